-- Delivery goes on without the hook that failed. The condition of its phase begins with its name; without a string
-- library, a text begins with a word where it sorts between the word and everything that follows it.
local function failed_hook(phase, type)
  for _, condition in ipairs((obj.status or {}).conditions or {}) do
    if condition.type == type and condition.reason == "HookFailed" then
      for _, hook in ipairs((obj.spec.hooks or {})[phase] or {}) do
        local words = phase .. " hook " .. hook.name .. " failed"
        if condition.message >= words and condition.message < words .. "\255" then
          return phase .. "/" .. hook.name
        end
      end
    end
  end
end

local hook = failed_hook("pre", "PreHooksSucceeded") or failed_hook("post", "PostHooksSucceeded")
if hook == nil then
  error("no hook that stands in spec.hooks has failed: the condition Ready says what is missing")
end
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["platform.kubeop.io/skip-hook"] = hook
return obj
