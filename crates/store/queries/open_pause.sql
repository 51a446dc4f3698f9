SELECT paused_at, paused_by, reason FROM certferry.pause WHERE resumed_at IS NULL
