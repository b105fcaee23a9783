--- Where ghost text stands, and when it goes: the same in Neovim 0.12, which draws it, and in older ones, where the plugin does.
local editor = require('editor')
local child, suggest = editor.child, editor.suggest
local eq = MiniTest.expect.equality

local T = MiniTest.new_set({ hooks = { post_once = child.stop } })

T['in the line at its end'] = function()
  eq(suggest('one|', ' two'), { row = 0, column = 3, kind = 'inline', lines = { ' two' } })
  eq(editor.screen()[1], 'one two')
end

T['further lines below'] = function()
  local ghost = suggest('def f():|', '\n    a\n    b')
  eq(ghost.lines, { '', '    a', '    b' })
  eq(vim.list_slice(editor.screen(), 1, 3), { 'def f():', '    a', '    b' })
end

T['over what it replaces'] = function()
  local ghost = suggest('f(|)', 'a, b)', { covered = 1 })
  eq({ ghost.column, ghost.lines }, { 2, { 'a, b)' } })
  eq(editor.screen()[1], 'f(a, b)')
end

T['in the middle of a line, with the rest behind it'] = function()
  suggest('f(|) + 1', 'a, b')
  eq(editor.screen()[1], 'f(a, b) + 1')
end

T['behind letters of more than one byte'] = function()
  eq(suggest('größe 🙂|', ' = 1').column, #'größe 🙂')
  eq(editor.screen()[1]:gsub(' +', ' '), 'größe 🙂 = 1')
end

T['shrinks by what is typed of it'] = function()
  suggest('one|', ' two')
  child.type_keys(' ', 't')
  editor.eventually('the rest', function()
    local ghost = editor.ghost()
    return ghost and vim.deep_equal(ghost.lines, { 'wo' }) or vim.fn.has('nvim-0.12') == 1
  end)
  eq(editor.screen()[1], 'one two')
end

T['goes where something else is typed'] = function()
  suggest('one|', ' two')
  child.type_keys(' ', 'x')
  editor.eventually('no ghost text', function()
    return not editor.ghost()
  end)
  eq(editor.screen()[1], 'one x')
end

T['goes with insert mode'] = function()
  suggest('one|', ' two')
  child.type_keys('<Esc>')
  editor.eventually('no ghost text', function()
    return not editor.ghost()
  end)
end

T['does not come where the cursor has gone on'] = function()
  editor.start({ lines = { 'one' } })
  child.lua([[
    scripted.answers['textDocument/inlineCompletion'] = function()
      -- Typed while the answer was made.
      vim.api.nvim_buf_set_text(0, 0, 0, 0, 0, { 'x' })
      scripted.answers['textDocument/inlineCompletion'] = nil
      local place = { line = 0, character = 3 }
      return { items = { { insertText = ' two', range = { start = place, ['end'] = place } } } }
    end
  ]])
  child.type_keys('A')
  editor.eventually('the answer', function()
    return child.lua_get("scripted.answers['textDocument/inlineCompletion'] == nil and scripted.answered == #scripted.requests")
  end)
  eq(editor.ghost(), false)
end

T['one of several, with its number'] = function()
  suggest('one|', ' two')
  editor.answer(0, 3, 3, ' two', ' three', ' four')
  for _, step in ipairs({ { '<M-]>', ' three (2/3)' }, { '<M-]>', ' four (3/3)' }, { '<M-]>', ' two (1/3)' }, { '<M-[>', ' four (3/3)' } }) do
    child.type_keys(step[1])
    editor.eventually(step[2], function()
      local ghost = editor.ghost()
      return ghost and ghost.lines[1] == step[2]
    end)
  end
  child.type_keys('<Tab>')
  editor.expect_lines({ 'one four' })
end

T['a sign that one asked is sent, and that typing did not'] = function()
  suggest('one|', ' two')
  editor.answer(0, 3, 3, ' two')
  child.type_keys([[<M-\>]])
  local kinds = editor.eventually('the second request', function()
    local found = child.lua_get([[vim.tbl_map(function(request)
      return request.params.context and request.params.context.triggerKind or 0
    end, scripted.requests)]])
    return vim.tbl_contains(found, 1) and found
  end)
  eq(vim.tbl_contains(kinds, 2), true)
end

T['none while paused'] = function()
  suggest('one|', ' two')
  child.cmd('Infill pause')
  eq(editor.ghost(), false)
  local count = child.lua_get('#scripted.requests')
  child.type_keys(' ', 'x')
  editor.expect_lines({ 'one x' })
  child.cmd('Infill resume')
  editor.answer(0, 6, 6, ' y')
  child.type_keys('!')
  editor.eventually('ghost text again', editor.ghost)
  local places = child.lua(
    [[return vim.tbl_map(function(request)
      return request.params.position.character
    end, vim.list_slice(scripted.requests, ...))]],
    { count + 1 }
  )
  eq(vim.tbl_contains(places, 4), false)
  eq(vim.tbl_contains(places, 6), true)
end

return T
