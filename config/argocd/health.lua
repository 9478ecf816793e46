-- Health of Holdfast's kinds for Argo CD, by the conditions that kstatus reads too.
local function condition(name)
  for _, one in ipairs(obj.status.conditions) do
    if one.type == name then
      return one
    end
  end
  return {status = "Unknown", message = ""}
end

if obj.status == nil or obj.status.conditions == nil then
  return {status = "Progressing", message = "Nobody looked at it yet"}
end
if obj.status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "Nobody looked at the last change yet"}
end
if condition("Stalled").status == "True" then
  return {status = "Degraded", message = condition("Stalled").message}
end
if obj.spec ~= nil and obj.spec.suspend then
  return {status = "Suspended", message = condition("Ready").message}
end
if condition("Ready").status == "True" then
  -- A change that waits for its window is right as it is, and worth a word.
  if condition("UpToDate").status == "False" then
    return {status = "Healthy", message = condition("UpToDate").message}
  end
  return {status = "Healthy", message = condition("Ready").message}
end
return {status = "Progressing", message = condition("Ready").message}
