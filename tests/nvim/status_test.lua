--- The status line for every state and for every reason that the server knows.
local editor = require('editor')
local child = editor.child
local eq = MiniTest.expect.equality

local T = MiniTest.new_set({ hooks = { post_once = child.stop } })

---@return string
local function line()
  return child.lua_get("require('infill').statusline()")
end

---@param status table
local function say(status)
  child.lua("scripted.notify('infill/status', ...)", { status })
  editor.eventually('the status', function()
    return child.lua_get("require('infill').status()").message == status.message
  end)
end

T['every state'] = function()
  editor.start()
  eq(line(), 'infill')
  for state, expected in pairs({
    ready = 'infill',
    thinking = 'infill…',
    loading = 'infill: fetching the model',
    failed = 'infill: failed',
  }) do
    say({ state = state, message = state == 'loading' and 'fetching the model' or state .. '!' })
    eq({ state, line() }, { state, expected })
  end
  child.cmd('Infill pause')
  eq(line(), 'infill: paused')
  child.cmd('Infill resume')
  child.cmd('enew')
  eq(line(), '')
end

T['every reason for a silence'] = function()
  editor.start()
  local source = table.concat(vim.fn.readfile(editor.REPOSITORY .. '/src/complete/reason.rs'), '\n')
  local count = 0
  for reason, sentence in source:gmatch('%(%s*"([a-z-]+)",%s*"([^"]+)",?%s*%)') do
    say({ state = 'silent', reason = reason, message = sentence })
    local is_quiet = reason == 'cancelled' or reason == 'overtaken'
    eq(line(), is_quiet and 'infill' or 'infill: ' .. reason)
    count = count + 1
  end
  eq(tostring(count), source:match('ALL: %[Self; (%d+)%]'))
end

T['how far the model is'] = function()
  editor.start()
  local function progress(value)
    child.lua("scripted.notify('$/progress', ...)", { { token = 'model', value = value } })
  end
  progress({ kind = 'begin', title = 'model', percentage = 0 })
  progress({ kind = 'report', percentage = 42 })
  editor.eventually('the per cent', function()
    return line() == 'infill: 42 %'
  end)
  progress({ kind = 'end' })
  editor.eventually('its end', function()
    return line() == 'infill'
  end)
end

T['an event after each change, and the status line drawn anew'] = function()
  editor.start({ before = "vim.o.laststatus = 2 vim.o.statusline = '%{v:lua.require(\"infill\").statusline()}'" })
  child.lua([[vim.api.nvim_create_autocmd('User', { pattern = 'InfillStatus', callback = function(event)
    vim.g.told = event.data.reason
  end })]])
  say({ state = 'silent', reason = 'mid-word', message = 'inside a word' })
  eq(child.g.told, 'mid-word')
  eq(vim.tbl_contains(editor.screen(), 'infill: mid-word'), true)
end

T[':Infill status says all of it'] = function()
  editor.start()
  say({ state = 'silent', reason = 'mid-word', message = 'the cursor stands inside a word' })
  child.cmd('Infill status')
  local expected = 'infill: silent (mid-word): the cursor stands inside a word'
  eq(vim.tbl_contains(editor.screen(), expected), true)
end

T['a long sentence asks for no key'] = function()
  editor.start()
  local sentence = ('a long sentence '):rep(12)
  say({ state = 'silent', reason = 'empty', message = sentence })
  child.cmd('Infill status')
  eq(child.api.nvim_get_mode().blocking, false)
  eq(child.lua_get('#vim.api.nvim_list_wins()'), 2)
  child.type_keys('l')
end

return T
