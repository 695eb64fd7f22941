-- Stops every write of kubeOP for this App but status and deletion.
obj.spec.suspend = true
return obj
