-- Health of an App, Project, Tenant, DNSRecord or Certificate, from its conditions. Argo CD opens no string library
-- for this.
local function condition(type)
  if obj.status ~= nil and obj.status.conditions ~= nil then
    for _, found in ipairs(obj.status.conditions) do
      if found.type == type then
        return found
      end
    end
  end
  return {}
end

local ready = condition("Ready")

if obj.metadata.deletionTimestamp ~= nil then
  return {status = "Progressing", message = ready.message or "it is being deleted"}
end

-- What is said of an older generation is no answer: without this, a sync would end before its work begins.
if ready.status == nil
  or obj.status.observedGeneration ~= obj.metadata.generation
  or ready.observedGeneration ~= obj.metadata.generation
then
  return {status = "Progressing", message = "kubeOP has not looked at this yet"}
end

if ready.reason == "Suspended" then
  return {status = "Suspended", message = ready.message}
end

if ready.status == "True" then
  local message = ready.message
  local compliant = condition("Compliant")
  if compliant.status == "False" then
    message = message .. "; " .. compliant.message
  end
  return {status = "Healthy", message = message}
end

if condition("Stalled").status == "True" or condition("Reconciling").status ~= "True" then
  return {status = "Degraded", message = ready.message}
end

return {status = "Progressing", message = ready.message}
