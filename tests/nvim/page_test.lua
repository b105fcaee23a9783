--- Pages that grow while the server writes them.
local editor = require('editor')
local child = editor.child
local eq = MiniTest.expect.equality

local T = MiniTest.new_set({ hooks = { post_once = child.stop } })

---@param name string
---@return string path
local function page(name)
  return editor.folder .. '/infill-ls/' .. name
end

--- Has the server say how far a page is. It is on the disk when it is whole.
---@param name string
---@param text string
---@param is_done? boolean
local function grow(name, text, is_done)
  child.fn.mkdir(editor.folder .. '/infill-ls', 'p')
  child.fn.writefile(vim.split(is_done and text or '', '\n', { plain = true }), page(name), 'b')
  local params = { uri = vim.uri_from_fname(page(name)), title = name, text = text, done = is_done or false }
  child.lua("scripted.notify('infill/page', ...)", { params })
end

--- A page's lines, and whether it is on the screen.
---@param name string
---@return { lines: string[], windows: integer, is_modified: boolean }
local function shown(name)
  return child.lua(
    [[
    local bufnr = vim.fn.bufnr(...)
    return {
      lines = vim.api.nvim_buf_get_lines(bufnr, 0, -1, false),
      windows = #vim.fn.win_findbuf(bufnr),
      is_modified = vim.bo[bufnr].modified,
    }
  ]],
    { page(name) }
  )
end

---@param name string
---@param lines string[]
---@param windows? integer
local function expect_shown(name, lines, windows)
  eq(shown(name), { lines = lines, windows = windows or 1, is_modified = false })
end

T['opens beside, and takes nothing from the user'] = function()
  editor.start({ lines = { 'one', 'two' } })
  child.type_keys('j', 'A')
  grow('Explain-f.md', '# Explain\n')
  expect_shown('Explain-f.md', { '# Explain' })
  child.type_keys(' and on')
  grow('Explain-f.md', '# Explain\n\nIt is a')
  expect_shown('Explain-f.md', { '# Explain', '', 'It is a' })
  child.type_keys('!')
  eq(editor.lines(), { 'one', 'two and on!' })
  eq(child.api.nvim_get_mode().mode, 'i')
  eq(child.lua_get('#vim.api.nvim_list_wins()'), 2)
end

T['is laid out to be read, also when it is whole'] = function()
  editor.start()
  for _, is_done in ipairs({ false, true }) do
    grow('Explain-f.md', '# `f`, **explained**\n', is_done)
    local options = child.lua([[
      local window = vim.fn.win_findbuf(vim.fn.bufnr(...))[1]
      return { vim.wo[window].wrap, vim.wo[window].linebreak, vim.wo[window].conceallevel }
    ]], { page('Explain-f.md') })
    eq(options, { true, true, 2 })
    eq(editor.screen()[1], '# f, explained')
  end
end

T['the cursor in it stays, and so does what is above'] = function()
  editor.start()
  grow('Explain-f.md', 'first\nsecond\nthird')
  child.cmd('wincmd k')
  eq(child.api.nvim_buf_get_name(0), page('Explain-f.md'))
  child.api.nvim_win_set_cursor(0, { 2, 3 })
  grow('Explain-f.md', 'first\nsecond\nthird and on\nfourth')
  eq(child.api.nvim_win_get_cursor(0), { 2, 3 })
  grow('Explain-f.md', 'first\nsecond\nthird and on\nfourth\nfifth\n', true)
  expect_shown('Explain-f.md', { 'first', 'second', 'third and on', 'fourth', 'fifth' })
  eq(child.api.nvim_win_get_cursor(0), { 2, 3 })
end

T['is the file’s when it is whole'] = function()
  editor.start()
  grow('Explain-f.md', 'first')
  grow('Explain-f.md', 'first\nsecond\n', true)
  expect_shown('Explain-f.md', { 'first', 'second' })
  child.cmd('wincmd k')
  eq(child.cmd_capture('checktime'), '')
  -- What the model wrote is not undone line by line.
  child.cmd('silent! undo')
  expect_shown('Explain-f.md', { 'first', 'second' })
  child.type_keys('A', '!', '<Esc>', 'u')
  expect_shown('Explain-f.md', { 'first', 'second' })
end

T['comes at once where it is not streamed'] = function()
  editor.start()
  grow('Explain-f.md', 'all of it\n', true)
  expect_shown('Explain-f.md', { 'all of it' })
end

T['two at once'] = function()
  editor.start()
  grow('One.md', 'one')
  grow('Two.py', 'def')
  grow('One.md', 'one\nmore')
  grow('Two.py', 'def two():\n    pass\n', true)
  grow('One.md', 'one\nmore\nyet\n', true)
  expect_shown('One.md', { 'one', 'more', 'yet' })
  expect_shown('Two.py', { 'def two():', '    pass' })
end

T['closed while it grows, it stays closed'] = function()
  editor.start()
  grow('Explain-f.md', 'first')
  child.cmd('wincmd k | close')
  grow('Explain-f.md', 'first\nsecond')
  grow('Explain-f.md', 'first\nsecond\nthird\n', true)
  eq(child.lua_get('#vim.api.nvim_list_wins()'), 1)
  expect_shown('Explain-f.md', { 'first', 'second', 'third' }, 0)
end

T['wiped out while it grows, it stays so'] = function()
  editor.start()
  grow('Explain-f.md', 'first')
  child.cmd('wincmd k | bwipeout!')
  grow('Explain-f.md', 'first\nsecond')
  grow('Explain-f.md', 'first\nsecond\n', true)
  eq(child.fn.bufexists(page('Explain-f.md')), 0)
end

T['the same title again is the same window, or a new one where that was closed'] = function()
  editor.start()
  grow('Explain-f.md', 'old\nand long\n', true)
  grow('Explain-f.md', 'new')
  expect_shown('Explain-f.md', { 'new' })
  grow('Explain-f.md', 'new one\n', true)
  expect_shown('Explain-f.md', { 'new one' })
  child.cmd('wincmd k | close')
  grow('Explain-f.md', 'third')
  expect_shown('Explain-f.md', { 'third' })
end

T['one that ended without an end is begun anew'] = function()
  editor.start()
  grow('Explain-f.md', 'first, and it was stopped here')
  child.cmd('wincmd k | close')
  grow('Explain-f.md', 'again')
  expect_shown('Explain-f.md', { 'again' })
end

T['what the user wrote into it stays'] = function()
  editor.start()
  grow('Explain-f.md', 'first')
  child.cmd('wincmd k')
  child.type_keys('A', ' note', '<Esc>')
  grow('Explain-f.md', 'first\nsecond')
  grow('Explain-f.md', 'first\nsecond\n', true)
  eq(shown('Explain-f.md').lines, { 'first note' })
end

T['is no document of the server, nor of another one'] = function()
  editor.start()
  grow('Two.py', 'def')
  grow('Two.py', 'def two():\n    pass\n', true)
  child.cmd('wincmd k')
  eq({ child.bo.filetype, child.lua_get('#vim.lsp.get_clients({ bufnr = 0 })') }, { 'python', 0 })
  -- A file that is opened after it is.
  child.fn.writefile({ '' }, editor.folder .. '/other.lua')
  child.cmd('edit ' .. editor.folder .. '/other.lua')
  editor.eventually('the server to attach', function()
    return child.lua_get('#vim.lsp.get_clients({ bufnr = 0 })') == 1
  end)
  eq(child.lua_get('scripted.starts'), 1)
end

T['comes when the window of commands is closed'] = function()
  editor.start()
  child.type_keys('q:')
  grow('Explain-f.md', 'first')
  child.type_keys(':q<CR>')
  grow('Explain-f.md', 'first\nsecond\n', true)
  expect_shown('Explain-f.md', { 'first', 'second' })
end

return T
