--- The mappings: what they do, and what a key is where there is no suggestion.
local editor = require('editor')
local child, suggest, expect_lines = editor.child, editor.suggest, editor.expect_lines
local eq = MiniTest.expect.equality

local T = MiniTest.new_set({ hooks = { post_once = child.stop } })

---@param key string
---@return string
local function description(key)
  return child.lua("return vim.fn.maparg(..., 'i', false, true).desc or ''", { key })
end

---@param key string
---@return boolean
local function is_ours(key)
  return vim.startswith(description(key), 'infill: ')
end

T['as the options say'] = function()
  editor.start()
  local keys = child.lua_get("require('infill.options').get().keys")
  for name, key in pairs(keys) do
    eq({ key, description(key) }, { key, 'infill: ' .. name:gsub('_', ' ') })
  end
end

T['of the user’s own'] = function()
  suggest('one|', ' two', { setup = "{ enabled = false, keys = { accept = '<C-l>' } }" })
  eq({ is_ours('<Tab>'), is_ours('<M-Right>') }, { false, true })
  child.type_keys('<C-l>')
  expect_lines({ 'one two' })
end

T['none, and a single one not'] = function()
  editor.start({ setup = '{ enabled = false, keys = false }' })
  eq({ is_ours('<Tab>'), is_ours('<C-]>') }, { false, false })
  editor.start({ setup = '{ enabled = false, keys = { dismiss = false } }' })
  eq({ is_ours('<Tab>'), is_ours('<C-]>') }, { true, false })
end

T['<Plug> names'] = function()
  suggest('one|', ' two\nthree', {
    setup = '{ enabled = false, keys = false }',
    before = "vim.cmd('imap <C-l> <Plug>(infill-accept-word)') vim.cmd('imap <C-j> <Plug>(infill-accept)')",
  })
  child.type_keys('<C-l>')
  expect_lines({ 'one two' })
  child.type_keys('<C-j>')
  expect_lines({ 'one two', 'three' })
end

--- What Tab was before, and what it inserts then behind "one".
local FORMER = {
  ['nothing'] = { '', 'one     ' },
  ['a text'] = { "vim.cmd('inoremap <Tab> former')", 'oneformer' },
  ['a text with its own key'] = { "vim.cmd('inoremap <Tab> <lt>tab><Left>')", 'one<tab>' },
  ['a function'] = { "vim.keymap.set('i', '<Tab>', function() vim.api.nvim_put({ 'put' }, 'c', false, true) end)", 'oneput' },
  ['an expression'] = { "vim.keymap.set('i', '<Tab>', function() return 'ex<Left>' end, { expr = true })", 'oneex' },
  ['an expression in Vim’s way'] = { [[vim.cmd('inoremap <expr> <Tab> "v" . "im"')]], 'onevim' },
  ['a mapping of a mapping'] = { "vim.cmd('inoremap <C-y> deep') vim.cmd('imap <Tab> <C-y>')", 'onedeep' },
}

T['Tab is again'] = MiniTest.new_set({ parametrize = vim.tbl_map(function(name)
  return { name }
end, vim.fn.sort(vim.tbl_keys(FORMER))) })

T['Tab is again']['what it was'] = function(name)
  local before, expected = unpack(FORMER[name])
  editor.start({ lines = { 'one' }, before = before })
  child.type_keys('A', '<Tab>')
  expect_lines({ expected })
end

T['a key behind Tab comes behind what Tab was'] = function()
  editor.start({ lines = { 'one' } })
  child.api.nvim_input('A<Tab>x')
  expect_lines({ 'one     x' })
end

T['a second set-up changes nothing'] = function()
  suggest('one|', ' two', { before = "vim.cmd('inoremap <Tab> former')" })
  child.lua("require('infill').setup({ enabled = false })")
  child.type_keys('<Tab>')
  expect_lines({ 'one two' })
  child.type_keys('<Tab>')
  expect_lines({ 'one twoformer' })
end

T['beside the menu'] = function()
  editor.start({ lines = { 'shopping_list', 'print(shop' } })
  child.o.completeopt = 'menuone'
  child.api.nvim_win_set_cursor(0, { 2, 0 })
  child.type_keys('A', '<C-n>')
  eq(child.fn.pumvisible(), 1)
  editor.answer(1, 19, 19, ')')
  child.lua("vim.api.nvim_exec_autocmds('TextChangedP', { buffer = 0 })")
  editor.eventually('ghost text', editor.ghost)
  child.type_keys('<Tab>')
  expect_lines({ 'shopping_list', 'print(shopping_list)' })
end

return T
