--- The plugin's options: their defaults, what they mean, and what is wrong with a value.
local M = {}

---@class infill.Keys
--- Accepts the whole suggestion. Where there is none the key does what it did before. `false`: no mapping.
---@field accept string|false
--- Accepts the next word.
---@field accept_word string|false
--- Accepts to the end of the line.
---@field accept_line string|false
--- Asks now, for several to choose from.
---@field suggest string|false
---@field next string|false
---@field previous string|false
---@field dismiss string|false

---@class infill.Options
--- Starts the server. With `false` only `vim.lsp.enable('infill_ls')` does.
---@field enabled? boolean
--- The server's binary. Without it: `infill-ls` on PATH, then `target/release` of the clone this plugin lies in.
---@field binary? string
--- File types the server attaches to. Without it: all.
---@field filetypes? string[]
--- File types the server leaves alone.
---@field disabled_filetypes? string[]
--- The server's settings, as its own documentation lists them.
---@field settings? table
--- Mappings in insert mode, or `false` for none.
---@field keys? infill.Keys|false
--- Shows the status in Neovim's status line, where that is as Neovim made it.
---@field statusline? boolean
--- The server's log level: 'error', 'warn', 'info', 'debug' or 'trace'.
---@field log_level? string
--- The file that the log goes to. `false`: none.
---@field log_file? string|false

---@return infill.Options
local function defaults()
  return {
    enabled = true,
    binary = nil,
    filetypes = nil,
    disabled_filetypes = { 'gitrebase', 'help', 'netrw', 'qf' },
    settings = {},
    keys = {
      accept = '<Tab>',
      accept_word = '<M-Right>',
      accept_line = '<M-End>',
      suggest = '<M-\\>',
      next = '<M-]>',
      previous = '<M-[>',
      dismiss = '<C-]>',
    },
    statusline = true,
    log_level = 'info',
    log_file = vim.fs.joinpath(vim.fn.stdpath('log'), 'infill-ls.log'),
  }
end

---@type infill.Options?
local current

--- The options in force.
---@return infill.Options
function M.get()
  current = current or defaults()
  return current
end

local KINDS = {
  enabled = 'boolean',
  binary = 'string',
  filetypes = 'table',
  disabled_filetypes = 'table',
  settings = 'table',
  keys = { 'table', 'boolean' },
  statusline = 'boolean',
  log_level = 'string',
  log_file = { 'string', 'boolean' },
}

--- Not |vim.validate()|, which is called in another way in Neovim 0.10.
---@param name string
---@param value any
---@param kind string|string[]
local function reject_wrong_type(name, value, kind)
  local kinds = type(kind) == 'table' and kind or { kind }
  if value ~= nil and not vim.tbl_contains(kinds, type(value)) then
    error(("infill: '%s' must be a %s, not a %s"):format(name, table.concat(kinds, ' or '), type(value)), 0)
  end
end

---@param given table
---@param known table
---@param where string
local function reject_unknown(given, known, where)
  for name in pairs(given) do
    if known[name] == nil then
      local names = vim.tbl_keys(known)
      table.sort(names)
      error(("infill: there is no option '%s%s'; there are: %s"):format(where, name, table.concat(names, ', ')), 0)
    end
  end
end

--- Checks the options and makes them the ones in force.
---@param options? infill.Options
---@return infill.Options
function M.set(options)
  options = options or {}
  reject_wrong_type('options', options, 'table')
  reject_unknown(options, KINDS, '')
  for name, kind in pairs(KINDS) do
    reject_wrong_type(name, options[name], kind)
  end
  local base = defaults()
  if type(options.keys) == 'table' then
    reject_unknown(options.keys --[[@as table]], base.keys --[[@as table]], 'keys.')
  end
  if options.keys == true then
    options = vim.tbl_extend('force', options, { keys = base.keys })
  end
  current = vim.tbl_deep_extend('force', base, options)
  return current
end

return M
