-- What the spec says is delivered again.
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["platform.kubeop.io/rollback-to"] = "none"
return obj
