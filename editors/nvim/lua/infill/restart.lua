--- Starting the server anew: when the user asks, and when it has stopped by itself, which is told and has a bound.
local M = {}

local server = require('infill.server')
local say = require('infill.notice').say

--- How often it is started again in how long, in ms.
local MOST, WITHIN_MS = 4, 180000
local GIVEN_UP = 'the server stopped %d times in 3 minutes; try :Infill restart'

--- When it stopped by itself.
---@type integer[]
local stops = {}

---@type infill.Status?
local status

--- What is to be said while there is no server.
---@return infill.Status?
function M.status()
  return status
end

--- Called when a server speaks: there is one again, whoever has started it.
function M.answered()
  status = nil
end

local function start()
  status = { state = 'starting', message = 'starting again' }
  -- Neovim forgets the old client a moment after its end.
  vim.defer_fn(function()
    server.start()
    status = nil
    vim.cmd.redrawstatus()
  end, 100)
end

local function on_crash()
  local now = vim.uv.now()
  stops = vim.tbl_filter(function(at)
    return now - at < WITHIN_MS
  end, stops)
  table.insert(stops, now)
  if #stops > MOST then
    local message = GIVEN_UP:format(#stops)
    status = { state = 'failed', message = message }
    say('infill: ' .. message, vim.log.levels.ERROR)
  else
    local message = 'infill: the server stopped by itself and is started again (%d of %d)'
    say(message:format(#stops, MOST), vim.log.levels.WARN)
    start()
  end
  vim.cmd.redrawstatus()
end

--- Whether the server is being stopped to be started anew.
local is_awaited = false

--- Called when a server's process has ended.
---@param code integer
---@param signal integer
function M.on_exit(code, signal)
  local is_asked_to = (code == 0 and signal == 0) or signal == 15
  vim.schedule(function()
    if vim.v.exiting ~= vim.NIL then
      return
    elseif is_awaited then
      is_awaited = false
      start()
    elseif not is_asked_to then
      on_crash()
    end
  end)
end

--- Stops the server, if it runs, and starts it.
function M.restart()
  stops = {}
  local client = server.client()
  if not client then
    start()
    return
  end
  is_awaited = true
  server.stop(client)
end

return M
