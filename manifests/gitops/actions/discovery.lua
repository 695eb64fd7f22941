-- Which actions an App offers now. Admission has the last word, and its refusal says what to do instead.
local status = obj.status or {}
local ready = {}
local hook_failed = false
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Ready" then
    ready = condition
  end
  if condition.type == "PreHooksSucceeded" or condition.type == "PostHooksSucceeded" then
    hook_failed = hook_failed or condition.reason == "HookFailed"
  end
end

-- What was asked for last and acted on: "none", or the revision that was asked for. It begins with that word.
local asked = (status.handled or {})["platform.kubeop.io/rollback-to"] or "none"
local held = ready.reason == "Pinned"
  or ready.reason == "RolledBackAutomatically"
  or asked < "none"
  or asked >= "none\255"

local goes = obj.metadata.deletionTimestamp ~= nil
local suspended = obj.spec.suspend == true

return {
  ["retry-hooks"] = {
    disabled = goes or not hook_failed,
    displayName = "Retry the failed hook",
    iconClass = "fa fa-fw fa-redo",
  },
  ["skip-hook"] = {
    disabled = goes or not hook_failed,
    displayName = "Go on without the failed hook",
    iconClass = "fa fa-fw fa-forward",
  },
  ["rollback-to-previous"] = {
    disabled = goes or suspended or status.revision == nil,
    displayName = "Roll back to the previous revision",
    iconClass = "fa fa-fw fa-undo",
  },
  ["lift-rollback"] = {
    disabled = goes or not held,
    displayName = "Lift the rollback: deliver what the spec says",
    iconClass = "fa fa-fw fa-unlock",
  },
  ["suspend"] = {
    disabled = goes or suspended,
    displayName = "Suspend delivery",
    iconClass = "fa fa-fw fa-pause",
  },
  ["resume"] = {
    disabled = goes or not suspended,
    displayName = "Resume delivery",
    iconClass = "fa fa-fw fa-play",
  },
}
