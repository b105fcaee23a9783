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
  require('infill.restart').answered()
  vim.api.nvim_exec_autocmds('User', { pattern = 'InfillStatus', data = params, modeline = false })
  vim.cmd.redrawstatus()
end

--- How much of the model is there, in per cent, while it is fetched or loaded. Other work does not know how much it is.
---@type table<integer, integer> by client id
local percent_by_client = {}

vim.api.nvim_create_autocmd('LspProgress', {
  group = vim.api.nvim_create_augroup('infill.progress', {}),
  desc = 'infill: how much of the model is there',
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    local value = event.data.params.value
    if not client or client.name ~= require('infill.server').NAME then
      return
    elseif value.kind == 'end' then
      percent_by_client[client.id] = nil
    elseif value.percentage then
      percent_by_client[client.id] = value.percentage
    end
    vim.cmd.redrawstatus()
  end,
})

---@return integer?
local function percent()
  local client = require('infill.server').client(0)
  -- A server that stopped while it loaded never said that this was over.
  return not require('infill.restart').status() and client and percent_by_client[client.id] or nil
end

---@return infill.Status
function M.get()
  local client = require('infill.server').client(0)
  -- Neovim forgets a client a moment after its end.
  local between = require('infill.restart').status()
  if between then
    return between
  elseif not client then
    return require('infill.server').missing() or { state = 'off' }
  elseif require('infill.suggestion').paused() then
    return { state = 'paused' }
  end
  return by_client[client.id] or { state = 'starting' }
end

--- Says what the server does, and why nothing was shown.
function M.print()
  local status = M.get()
  local text = 'infill: ' .. status.state .. (status.reason and (' (%s)'):format(status.reason) or '')
  if status.message and status.message ~= '' then
    text = text .. ': ' .. status.message
  end
  if percent() then
    text = text .. (' (%d %%)'):format(percent())
  end
  require('infill.notice').say(text)
end

--- Silences that only say that somebody types.
local QUIET = { cancelled = true, overtaken = true }

---@return string
function M.line()
  local status = M.get()
  if status.state == 'off' then
    return ''
  elseif percent() then
    return ('infill: %d %%'):format(percent())
  elseif status.state == 'silent' then
    return QUIET[status.reason] and 'infill' or ('infill: ' .. (status.reason or 'silent'))
  elseif status.state == 'ready' then
    return 'infill'
  elseif status.state == 'thinking' then
    return 'infill…'
  end
  return 'infill: ' .. (status.state == 'loading' and status.message or status.state)
end

-- What Neovim shows where nobody has set anything; before 0.12 the option is empty then.
local DEFAULT = '%<%f %h%w%m%r%=%-14.(%l,%c%V%) %P'

--- Adds the status to the status line, unless the user has made that.
function M.show_in_statusline()
  if vim.api.nvim_get_option_info2('statusline', {}).was_set then
    return
  end
  local base = vim.go.statusline ~= '' and vim.go.statusline or DEFAULT
  vim.go.statusline = base:gsub('%%=', "%%=%%{v:lua.require'infill'.statusline()}  ", 1)
end

return M
