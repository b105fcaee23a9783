--- A server that stops by itself is started again, with a bound, and the user is told.
local editor = require('editor')
local child = editor.child
local eq = MiniTest.expect.equality

local T = MiniTest.new_set({ hooks = { post_once = child.stop } })

---@return integer
local function starts()
  return child.lua_get('scripted.starts')
end

---@param count integer
local function expect_starts(count)
  editor.eventually(count .. ' starts', function()
    return starts() == count and child.lua_get("require('infill').status().state") == 'ready'
  end)
end

T['four times in three minutes, and not a fifth'] = function()
  editor.start({ lines = { 'one' } })
  for count = 1, 4 do
    child.lua('scripted.crash()')
    expect_starts(count + 1)
    eq(child.cmd_capture('messages'):find(('(%d of 4)'):format(count), 1, true) ~= nil, true)
  end
  child.lua('scripted.crash()')
  editor.eventually('the end of it', function()
    return child.lua_get("require('infill').statusline()") == 'infill: failed'
  end)
  -- Where it were started once more, it would be "starting".
  eq({ starts(), child.lua_get("require('infill').status().state") }, { 5, 'failed' })
end

T['what it was loading when it stopped is not shown'] = function()
  editor.start({ lines = { 'one' } })
  for count = 1, 4 do
    child.lua('scripted.crash()')
    expect_starts(count + 1)
  end
  child.lua([[
    local server = require('infill.server')
    local client = server.client(0)
    local value = { kind = 'begin', title = 'model', percentage = 0 }
    local data = { client_id = client.id, params = { token = 'load', value = value } }
    vim.api.nvim_exec_autocmds('LspProgress', { pattern = 'begin', data = data })
    -- Neovim may know a client for a while after its end.
    server.client = function()
      return client
    end
  ]])
  eq(child.lua_get("require('infill').statusline()"), 'infill: 0 %')
  child.lua('scripted.crash()')
  editor.eventually('the end of it', function()
    return child.lua_get("require('infill').statusline()") == 'infill: failed'
  end)
end

T['by hand after that, and counted anew'] = function()
  editor.start({ lines = { 'one' } })
  for count = 1, 4 do
    child.lua('scripted.crash()')
    expect_starts(count + 1)
  end
  child.lua('scripted.crash()')
  editor.eventually('the end of it', function()
    return child.lua_get("require('infill').statusline()") == 'infill: failed'
  end)
  child.cmd('Infill restart')
  expect_starts(6)
  child.lua('scripted.crash()')
  expect_starts(7)
end

T['older stops do not count'] = function()
  editor.start({ lines = { 'one' } })
  for count = 1, 4 do
    child.lua('scripted.crash()')
    expect_starts(count + 1)
  end
  child.lua("local now = vim.uv.now vim.uv.now = function() return now() + 180001 end")
  child.lua('scripted.crash()')
  expect_starts(6)
end

T['one that runs is stopped first'] = function()
  editor.start({ lines = { 'one' } })
  child.cmd('Infill restart')
  expect_starts(2)
  eq(child.cmd_capture('messages'):find('by itself', 1, true), nil)
  eq(child.lua_get("#vim.lsp.get_clients({ name = 'infill_ls' })"), 1)
end

T['one that was asked to stop stays stopped'] = function()
  editor.start({ lines = { 'one' } })
  child.lua("require('infill.server').stop(require('infill.server').client())")
  editor.eventually('its end', function()
    return child.lua_get("#vim.lsp.get_clients({ name = 'infill_ls' })") == 0
  end)
  eq({ starts(), child.lua_get("require('infill').status().state") }, { 1, 'off' })
end

T['the new one has the suggestions too'] = function()
  editor.suggest('one|', ' two')
  child.type_keys('<Esc>')
  child.lua('scripted.crash()')
  expect_starts(2)
  editor.answer(0, 3, 3, ' again')
  child.type_keys('A')
  eq(editor.eventually('ghost text', editor.ghost).lines, { ' again' })
end

return T
