--- What the server says about itself in `infill/status`: loading, ready, thinking, silent and why.
local M = {}

---@class infill.Status
--- 'off' (no server), 'starting', 'paused', or what the server said: 'loading', 'ready', 'thinking', 'silent', 'failed'.
---@field state string
--- A sentence for a person.
---@field message? string
--- Why nothing is shown, as a code ('too-short', 'cancelled', …).
---@field reason? string

---@type table<integer, infill.Status> by client id
local by_client = {}

--- Handler of `infill/status`.
function M.receive(_, params, context)
  by_client[context.client_id] = params
  vim.api.nvim_exec_autocmds('User', { pattern = 'InfillStatus', data = params, modeline = false })
  vim.cmd.redrawstatus()
end

---@return infill.Status
function M.get()
  local client = require('infill.server').client(0)
  if not client then
    return { state = 'off' }
  elseif require('infill.suggestion').paused() then
    return { state = 'paused' }
  end
  return by_client[client.id] or { state = 'starting' }
end

--- Says what the server does, and why nothing was shown.
function M.print()
  local status = M.get()
  local words = { 'infill: ' .. status.state }
  if status.reason then
    table.insert(words, '(' .. status.reason .. ')')
  end
  if status.message and status.message ~= '' then
    table.insert(words, status.message)
  end
  vim.notify(table.concat(words, ' '))
end

--- Silences that only say that somebody types.
local QUIET = { cancelled = true, overtaken = true }

---@return string
function M.line()
  local status = M.get()
  if status.state == 'off' then
    return ''
  elseif status.state == 'silent' then
    return QUIET[status.reason] and 'infill' or ('infill: ' .. (status.reason or 'silent'))
  elseif status.state == 'ready' then
    return 'infill'
  elseif status.state == 'thinking' then
    return 'infill…'
  end
  return 'infill: ' .. (status.state == 'loading' and status.message or status.state)
end

return M
