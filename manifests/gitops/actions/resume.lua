-- Takes the field away, so that it is again as the manifests say.
obj.spec.suspend = nil
return obj
