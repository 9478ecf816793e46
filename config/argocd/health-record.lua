-- Health of a RotationRecord for Argo CD: it tells how far one rotation came, and how it ended.
if obj.status == nil or obj.status.outcome == nil then
  return {status = "Progressing", message = "The rotation is under way"}
end
if obj.status.outcome == "Failed" then
  return {status = "Degraded", message = "The rotation was refused: its last step says why"}
end
return {status = "Healthy", message = obj.status.outcome}
