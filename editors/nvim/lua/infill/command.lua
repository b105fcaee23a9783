--- The :Infill command.
local M = {}

local say = require('infill.notice').say

---@param title string
---@param lines string[]
local function show(title, lines)
  vim.cmd('botright new')
  local bufnr = vim.api.nvim_get_current_buf()
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.bo[bufnr].buftype = 'nofile'
  vim.bo[bufnr].bufhidden = 'wipe'
  vim.bo[bufnr].swapfile = false
  vim.bo[bufnr].modifiable = false
  pcall(vim.api.nvim_buf_set_name, bufnr, title)
  vim.api.nvim_win_set_height(0, math.min(#lines + 1, 20))
end

local function show_log()
  local path = require('infill.options').get().log_file
  if not path then
    say("infill: there is no log, since the option 'log_file' is false", vim.log.levels.WARN)
  elseif not vim.uv.fs_stat(path) then
    say('infill: the server has written no log yet: ' .. path)
  else
    vim.cmd('botright split ' .. vim.fn.fnameescape(path))
    vim.cmd('normal! G')
  end
end

---@param result table
---@return string[]
local function report(result)
  -- Before 0.12 JSON comes in one line.
  local is_old = vim.fn.has('nvim-0.12') == 0
  local text = is_old and vim.inspect(result) or vim.json.encode(result, { indent = '  ', sort_keys = true })
  return vim.split(text, '\n', { plain = true })
end

local function doctor()
  local client = require('infill.server').client_or_notify()
  if not client then
    return
  end
  require('infill.server').request(client, 'infill/doctor', nil, function(error, result)
    if error then
      say('infill: ' .. error.message, vim.log.levels.ERROR)
    else
      show('infill://doctor', report(result))
    end
  end)
end

local function statistics()
  local client = require('infill.server').client_or_notify()
  if not client then
    return
  end
  require('infill.server').request(client, 'infill/stats', nil, function(error, result)
    if error then
      say('infill: ' .. error.message, vim.log.levels.ERROR)
    else
      show('infill://stats', vim.split((result.text:gsub('\n$', '')), '\n', { plain = true }))
    end
  end)
end

---@type table<string, fun()>
local subcommands = {
  status = function()
    require('infill.status').print()
  end,
  log = show_log,
  doctor = doctor,
  stats = statistics,
  model = function()
    require('infill.model').choose()
  end,
  restart = function()
    require('infill.restart').restart()
  end,
}
for _, name in ipairs({
  'pause',
  'resume',
  'toggle',
  'accept',
  'accept-word',
  'accept-line',
  'suggest',
  'next',
  'previous',
  'dismiss',
  'write-function',
  'stop',
}) do
  subcommands[name] = function()
    require('infill')[name:gsub('-', '_')]()
  end
end

--- Subcommands whose words are the user's own.
---@type table<string, fun(words: string, lines?: { first: integer, last: integer })>
local told = {
  edit = function(words, lines)
    require('infill.told').edit(words, lines)
  end,
  ask = function(words)
    require('infill.told').ask(words)
  end,
}

---@return string[]
local function names()
  local result = vim.list_extend(vim.tbl_keys(subcommands), vim.tbl_keys(told))
  table.sort(result)
  return result
end

---@param arguments string[]
---@param command? table As |nvim_create_user_command()| gives it; without it there is no range.
function M.run(arguments, command)
  local name = arguments[1] or 'status'
  local subcommand = subcommands[name]
  if told[name] then
    local lines = command and command.range > 0 and { first = command.line1, last = command.line2 } or nil
    local words = command and command.args:match('^%s*%S+%s+(.-)%s*$') or table.concat(arguments, ' ', 2)
    told[name](words, lines)
  elseif subcommand and #arguments <= 1 then
    subcommand()
  else
    local message = "infill: there is no ':Infill %s'; there are: %s"
    say(message:format(table.concat(arguments, ' '), table.concat(names(), ', ')), vim.log.levels.ERROR)
  end
end

---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  if line:match('^%S+%s+%S+%s') then
    return {}
  end
  return vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, names())
end

return M
