--- `:Infill`: what it is completed to, and what it says to a wrong word.
local editor = require('editor')
local child = editor.child
local eq = MiniTest.expect.equality

local T = MiniTest.new_set({ hooks = { post_once = child.stop } })

---@param line string
---@return string[]
local function completed(line)
  return child.fn.getcompletion(line, 'cmdline')
end

T['all words are in the documentation, and all of that are words'] = function()
  editor.start()
  local help, documented = vim.fn.readfile(editor.REPOSITORY .. '/editors/nvim/doc/infill.txt'), {}
  local section = table.concat(help, '\n'):match('\n4%. COMMANDS.-\n(.-)\n====')
  for word in section:gmatch('\n:Infill %[?([%w-]+)') do
    documented[word] = true
  end
  for word in section:match('likewise (.-)%.\n'):gmatch('`([%w-]+)`') do
    documented[word] = true
  end
  documented = vim.tbl_keys(documented)
  table.sort(documented)
  eq(completed('Infill '), documented)
end

T['by their beginnings, and only the first word'] = function()
  editor.start()
  eq(completed('Infill acc'), { 'accept', 'accept-line', 'accept-word' })
  eq(completed('Infill pause '), {})
  eq(completed('9,13Infill ed'), { 'edit' })
end

T['a wrong word is told, with the right ones'] = function()
  editor.start()
  child.cmd('Infill nonsense')
  local said = editor.eventually('the message', function()
    local text = table.concat(editor.screen(), ' ')
    return text:find("there is no ':Infill", 1, true) and text
  end)
  eq(said:find('write%-function') ~= nil, true)
end

T['an edit without words asks for them'] = function()
  editor.start({ lines = { 'one' } })
  child.lua([[
    vim.ui.input = function(options, go_on)
      vim.g.asked = options.prompt
      go_on(' use a set ')
    end
  ]])
  child.cmd('Infill edit')
  eq(child.g.asked, 'Edit as told: ')
  local request = editor.eventually('the request', function()
    return child.lua_get([[vim.tbl_filter(function(request)
      return request.method == 'codeAction/resolve'
    end, scripted.requests)[1] ]])
  end)
  eq({ request.params.data.task, request.params.data.instruction }, { 'edit', 'use a set' })
end

T['an edit of lines is of all of them'] = function()
  editor.start({ lines = { 'one', 'größe' } })
  child.cmd('1,2Infill edit use a set')
  local request = editor.eventually('the request', function()
    return child.lua_get([[vim.tbl_filter(function(request)
      return request.method == 'codeAction/resolve'
    end, scripted.requests)[1] ]])
  end)
  local range = request.params.data.range
  eq({ range.start, range['end'].line }, { { line = 0, character = 0 }, 1 })
  eq(range['end'].character >= 5, true)
end

T['a question names the file'] = function()
  editor.start({ lines = { 'one' } })
  child.cmd('Infill ask What is it?')
  local request = editor.eventually('the request', function()
    return child.lua_get([[vim.tbl_filter(function(request)
      return request.method == 'workspace/executeCommand'
    end, scripted.requests)[1] ]])
  end)
  local asked = request.params.arguments[1]
  eq({ request.params.command, asked.question }, { 'infill-ls.ask', 'What is it?' })
  eq(asked.textDocument.uri, child.lua_get('vim.uri_from_bufnr(0)'))
end

return T
