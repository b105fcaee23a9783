--- Changes that are shown before they are made, hunk by hunk.
local editor = require('editor')
local child = editor.child
local eq = MiniTest.expect.equality

local T = MiniTest.new_set({ hooks = { post_once = child.stop } })

local BEFORE = { 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine' }
local AFTER = { 'one', 'TWO', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten' }

---@return string[]
local function diff()
  eq(child.bo.filetype, 'diff')
  return editor.lines()
end

local function show()
  editor.start({ lines = BEFORE })
  child.lua("require('infill.preview').show('(test)', vim.api.nvim_get_current_buf(), ...)", { AFTER })
end

T['is a diff, with a little around each hunk'] = function()
  show()
  eq(diff(), { '@@ -1,4 +1,4 @@', ' one', '-two', '+TWO', ' three', ' four', '@@ -8,2 +8,3 @@', ' eight', ' nine', '+ten' })
  eq(child.lua_get('#vim.api.nvim_list_wins()'), 2)
end

T['taken, it is one change'] = function()
  show()
  child.type_keys('y')
  editor.expect_lines(AFTER)
  child.type_keys('u')
  editor.expect_lines(BEFORE)
end

T['without the hunk that was left out'] = function()
  show()
  child.type_keys('gg', 'x', 'y')
  local expected = vim.list_extend(vim.list_slice(BEFORE), { 'ten' })
  editor.expect_lines(expected)
end

T['left out, and not after all'] = function()
  show()
  child.type_keys('gg', 'x')
  local marks = "#vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_get_namespaces()['infill.preview'], 0, -1, {})"
  eq(child.lua_get(marks) > 0, true)
  child.type_keys('x')
  eq(child.lua_get(marks), 0)
  child.type_keys('y')
  editor.expect_lines(AFTER)
end

T['rejected, it is as if it had not been'] = function()
  show()
  child.type_keys('q')
  editor.expect_lines(BEFORE)
  eq({ child.lua_get('#vim.api.nvim_list_wins()'), child.bo.modified }, { 1, false })
end

T['not made where the text has changed meanwhile'] = function()
  show()
  child.lua([[vim.api.nvim_buf_set_lines(vim.fn.bufnr(...), 0, 0, false, { 'zero' })]], { editor.path })
  child.type_keys('y')
  editor.expect_lines(vim.list_extend({ 'zero' }, BEFORE))
end

T['nothing to show where nothing changes'] = function()
  editor.start({ lines = BEFORE })
  child.lua("require('infill.preview').show('(test)', vim.api.nvim_get_current_buf(), ...)", { BEFORE })
  eq(child.bo.filetype ~= 'diff', true)
end

--- Has the server offer one action whose edit, when it is asked for, puts TWO in the place of two.
---@param needs_confirmation boolean
---@param version? integer
local function offer(needs_confirmation, version)
  editor.start({ lines = BEFORE })
  child.lua(
    [[
    local needs_confirmation, version = ...
    local action = { title = 'Simplify `two`', kind = 'refactor.rewrite', data = { task = 'simplify' } }
    scripted.answers['textDocument/codeAction'] = function() return { action } end
    scripted.answers['codeAction/resolve'] = function()
      local range = { start = { line = 1, character = 0 }, ['end'] = { line = 1, character = 3 } }
      local document = { uri = vim.uri_from_bufnr(0), version = version or vim.lsp.util.buf_versions[vim.fn.bufnr()] }
      return vim.tbl_extend('force', action, {
        edit = {
          documentChanges = { { textDocument = document, edits = { { range = range, newText = 'TWO', annotationId = 'a' } } } },
          changeAnnotations = { a = { label = 'Simplify', needsConfirmation = needs_confirmation } },
        },
      })
    end
    vim.lsp.buf.code_action({ apply = true })
  ]],
    { needs_confirmation, version }
  )
end

T['an action whose edit asks to be looked at is shown'] = function()
  offer(true)
  editor.eventually('the diff', function()
    return child.bo.filetype == 'diff'
  end)
  eq(child.fn.getbufline(child.fn.bufnr(editor.path), 2), { 'two' })
  eq(child.wo.winbar:find('Simplify `two`', 1, true) ~= nil, true)
  child.type_keys('y')
  editor.expect_lines(vim.list_extend({ 'one', 'TWO' }, vim.list_slice(BEFORE, 3)))
end

T['one whose edit does not ask is made'] = function()
  offer(false)
  editor.expect_lines(vim.list_extend({ 'one', 'TWO' }, vim.list_slice(BEFORE, 3)))
end

T['one for an older text is refused'] = function()
  offer(true, -1)
  editor.eventually('the message', function()
    return child.cmd_capture('messages'):find('the text has changed in the meantime', 1, true)
  end)
  editor.expect_lines(BEFORE)
  eq(child.lua_get('#vim.api.nvim_list_wins()'), 1)
end

return T
