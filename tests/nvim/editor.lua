--- A Neovim with the plugin and a scripted server, for one case; and what cases look at.
local M = {}

local here = vim.fs.dirname(vim.fs.normalize(debug.getinfo(1, 'S').source:sub(2)))
M.REPOSITORY = vim.fs.dirname(vim.fs.dirname(here))

--- How long something may take to happen, in ms.
local LIMIT_MS = 5000

M.child = MiniTest.new_child_neovim()
local child = M.child

--- Starts Neovim with a file of these lines in front.
---@param options? { setup?: string, before?: string, lines?: string[], name?: string }
function M.start(options)
  options = options or {}
  child.restart({ '-u', 'NONE' })
  M.folder = child.lua_get('vim.fn.tempname()')
  -- A project, so that all its files have the same server.
  child.fn.mkdir(M.folder .. '/.git', 'p')
  child.fn.chdir(M.folder)
  child.o.swapfile = false
  child.o.expandtab = true
  child.lua('vim.opt.runtimepath:prepend(...)', { M.REPOSITORY .. '/editors/nvim' })
  child.cmd('runtime plugin/infill.lua')
  child.cmd('filetype plugin on')
  child.lua(options.before or '')
  child.lua("require('infill').setup(" .. (options.setup or "{ enabled = false }") .. ')')
  child.lua('dofile(...)', { here .. '/scripted.lua' })
  child.lua("require('infill.server').enable(true)")
  M.path = M.folder .. '/' .. (options.name or 'some.txt')
  child.fn.writefile(options.lines or { '' }, M.path)
  child.cmd('edit ' .. M.path)
  M.eventually('the server', function()
    return child.lua_get("require('infill').status().state") == 'ready'
  end)
end

--- Waits until a probe gives something true, and returns that.
---@generic T
---@param what string
---@param probe fun(): T?
---@return T
function M.eventually(what, probe)
  local limit = vim.uv.now() + LIMIT_MS
  while true do
    local found = probe()
    if found then
      return found
    end
    if vim.uv.now() > limit then
      error(('waited %d ms for %s; the messages are: %s'):format(LIMIT_MS, what, child.cmd_capture('messages')), 2)
    end
    vim.wait(5)
    vim.uv.update_time()
  end
end

---@return string[]
function M.lines()
  return child.api.nvim_buf_get_lines(0, 0, -1, false)
end

--- Waits until the buffer in front has these lines.
---@param expected string[]
function M.expect_lines(expected)
  local now
  local is_so = pcall(M.eventually, 'the lines', function()
    now = M.lines()
    return vim.deep_equal(now, expected)
  end)
  if not is_so then
    MiniTest.expect.equality(now, expected)
  end
end

--- The ghost text on the screen: where it stands, how, and its lines.
---@return { row: integer, column: integer, kind: string, lines: string[] }?
function M.ghost()
  return child.lua([[
    local names = vim.api.nvim_get_namespaces()
    local namespace = names['nvim.lsp.inline_completion'] or names['infill.ghost']
    local mark = namespace and vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })[1]
    if not mark then
      return false
    end
    local function text(chunks)
      local parts = vim.tbl_map(function(chunk)
        return chunk[1]
      end, chunks)
      return table.concat(parts)
    end
    local lines = { text(mark[4].virt_text or {}) }
    for _, line in ipairs(mark[4].virt_lines or {}) do
      table.insert(lines, text(line))
    end
    return { row = mark[2], column = mark[3], kind = mark[4].virt_text_pos, lines = lines }
  ]])
end

--- Has the server answer the next inline completion with these texts. The range is of the cursor's line, in UTF-16.
---@param row integer
---@param from integer
---@param to integer
---@param ... string
function M.answer(row, from, to, ...)
  local items = {}
  for _, text in ipairs({ ... }) do
    local range = { start = { line = row, character = from }, ['end'] = { line = row, character = to } }
    table.insert(items, { insertText = text, range = range })
  end
  child.lua('scripted.suggest(...)', { items })
end

--- Starts with one line, goes into insert mode at its `|`, and waits for the suggestion.
---@param line string
---@param text string
---@param options? { covered?: integer, setup?: string, before?: string }
function M.suggest(line, text, options)
  options = options or {}
  local plain = line:gsub('|', '')
  local before = line:sub(1, line:find('|', 1, true) - 1)
  M.start({ lines = { plain }, setup = options.setup, before = options.before })
  local column = child.fn.strutf16len(before)
  M.answer(0, column, column + (options.covered or 0), text)
  child.api.nvim_win_set_cursor(0, { 1, #before })
  child.type_keys(#before == #plain and 'A' or 'i')
  return M.eventually('ghost text', M.ghost)
end

--- What the screen shows, line by line, without the blanks at their ends.
---@return string[]
function M.screen()
  local lines = {}
  for _, cells in ipairs(child.get_screenshot().text) do
    table.insert(lines, (table.concat(cells):gsub('%s+$', '')))
  end
  return lines
end

return M
