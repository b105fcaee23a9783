--- What accepting does to the buffer, to the letter: whole, by words and by lines, also after typing on.
local editor = require('editor')
local child, suggest, expect_lines = editor.child, editor.suggest, editor.expect_lines
local eq = MiniTest.expect.equality

local T = MiniTest.new_set({ hooks = { post_once = child.stop } })

---@param expected string[]? The lines of the rest on the screen.
local function expect_rest(expected)
  local ghost = editor.ghost()
  eq(ghost and ghost.lines or nil, expected)
end

T['whole, over several lines, with the cursor behind it'] = function()
  suggest('one|', ' two\nthree\nfour')
  child.type_keys('<Tab>', '!')
  expect_lines({ 'one two', 'three', 'four!' })
end

T['what was typed of it is not doubled'] = function()
  suggest('one|', ' two')
  child.type_keys(' ', 't', '<Tab>', '!')
  expect_lines({ 'one two!' })
end

T['brackets behind the cursor that it closes itself are replaced'] = function()
  suggest('print(max(|))', '1, 2))', { covered = 2 })
  child.type_keys('1', '<Tab>', ';')
  expect_lines({ 'print(max(1, 2));' })
end

T['by words, with the rest staying'] = function()
  suggest('a|', ' = größer + 1')
  local steps = { { 'a =', ' größer + 1' }, { 'a = größer', ' + 1' }, { 'a = größer +', ' 1' }, { 'a = größer + 1' } }
  for _, step in ipairs(steps) do
    child.type_keys('<M-Right>')
    expect_lines({ step[1] })
    expect_rest(step[2] and { step[2] })
  end
end

T['by words, over brackets: they stay until all is taken'] = function()
  suggest('f(|)', 'a, b)', { covered = 1 })
  child.type_keys('<M-Right>')
  expect_lines({ 'f(a)' })
  child.type_keys('<Tab>')
  expect_lines({ 'f(a, b)' })
end

T['by words, and the rest at once'] = function()
  suggest('x|', ' = 1\ny = 2')
  child.type_keys('<M-Right>')
  expect_rest({ ' 1', 'y = 2' })
  child.type_keys('<Tab>')
  expect_lines({ 'x = 1', 'y = 2' })
end

T['by lines, with the rest staying'] = function()
  suggest('if a:|', '\n    b\n    c')
  child.type_keys('<M-End>')
  expect_lines({ 'if a:', '    b' })
  expect_rest({ '', '    c' })
  child.type_keys('<M-End>')
  expect_lines({ 'if a:', '    b', '    c' })
  expect_rest(nil)
end

T['behind letters that take two units of the protocol'] = function()
  suggest('🙂 é|', ' = 1')
  child.type_keys(' ', '<Tab>')
  expect_lines({ '🙂 é = 1' })
end

T['one undo takes it back and leaves what was typed'] = function()
  suggest('one|', ' two\nthree')
  child.type_keys(' ', 't', '<Tab>')
  expect_lines({ 'one two', 'three' })
  child.type_keys('<Esc>', 'u')
  expect_lines({ 'one t' })
end

T['nothing where something else was typed'] = function()
  suggest('one|', ' two')
  child.type_keys(' ', 'x')
  eq(child.lua_get("require('infill').accept()"), false)
  expect_lines({ 'one x' })
end

T['the command of the item tells the server'] = function()
  editor.start({ lines = { 'one' } })
  local range = { start = { line = 0, character = 3 }, ['end'] = { line = 0, character = 3 } }
  local command = { title = 'accepted', command = 'infill-ls.accepted', arguments = { { id = 7, candidate = 0 } } }
  local item = { insertText = ' two', range = range, command = command }
  child.lua("scripted.answers['textDocument/inlineCompletion'] = ...", { { items = { item } } })
  child.type_keys('A')
  editor.eventually('ghost text', editor.ghost)
  child.type_keys('<Tab>')
  local told = editor.eventually('the command', function()
    return child.lua_get([[vim.tbl_filter(function(request)
      return request.method == 'workspace/executeCommand'
    end, scripted.requests)[1] ]])
  end)
  eq(told.params, { command = 'infill-ls.accepted', arguments = { { id = 7, candidate = 0 } } })
end

T['dismissed, it is gone and Tab is Tab'] = function()
  suggest('one|', ' two')
  child.type_keys('<C-]>')
  eq(editor.ghost(), false)
  child.type_keys('<Tab>', 'x')
  expect_lines({ 'one     x' })
end

return T
