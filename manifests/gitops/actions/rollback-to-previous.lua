-- Back to the latest success besides what is delivered. Admission replaces the word by the revision that it means.
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["platform.kubeop.io/rollback-to"] = "previous"
return obj
