--- The options: those in the documentation, and what is said of wrong ones.
local editor = require('editor')
local child = editor.child
local eq = MiniTest.expect.equality

local T = MiniTest.new_set({ hooks = { post_once = child.stop } })

---@param options string
---@return string message
local function refused(options)
  local outcome = child.lua(('return { pcall(require("infill").setup, %s) }'):format(options))
  eq(outcome[1], false)
  return outcome[2]
end

T['the defaults are those of the documentation'] = function()
  editor.start()
  local help = table.concat(vim.fn.readfile(editor.REPOSITORY .. '/editors/nvim/doc/infill.txt'), '\n')
  local written = help:match("These are the defaults: >lua\n\n    require%('infill'%)%.setup%((.-)\n    }%)") .. '}'
  -- `enabled` is what the test itself sets.
  local documented = child.lua("local options = assert(loadstring('return ' .. ...))() options.enabled = false return options", { written })
  eq(child.lua_get("require('infill.options').get()"), documented)
end

T['what is set stands over the defaults'] = function()
  editor.start({ setup = "{ enabled = false, settings = { completion = { max_lines = 3 } }, keys = { next = '<C-n>' } }" })
  local options = child.lua_get("require('infill.options').get()")
  eq({ options.settings.completion.max_lines, options.keys.next, options.keys.accept }, { 3, '<C-n>', '<Tab>' })
end

T['the settings go to the server'] = function()
  editor.start({ setup = '{ enabled = false, settings = { completion = { max_lines = 3 } } }' })
  local params = child.lua_get('scripted.requests[1].params')
  eq(params.initializationOptions, { completion = { max_lines = 3 } })
  eq(params.capabilities.experimental.infillPage, true)
end

T['one that there is not is named, with those that there are'] = function()
  editor.start()
  local said = refused('{ keymaps = {} }')
  eq(said:match("there is no option 'keymaps'") ~= nil and said:match('log_level') ~= nil, true)
  eq(refused('{ keys = { tab = "x" } }'):match("there is no option 'keys.tab'") ~= nil, true)
end

T['one of a wrong type is named'] = function()
  editor.start()
  eq(refused("{ enabled = 'yes' }"), "infill: 'enabled' must be a boolean, not a string")
  eq(refused("{ keys = 'no' }"), "infill: 'keys' must be a table or boolean, not a string")
end

T['file types that are left alone'] = function()
  editor.start({ setup = "{ enabled = false, disabled_filetypes = { 'python' } }" })
  child.fn.writefile({ '' }, editor.folder .. '/some.py')
  child.cmd('edit ' .. editor.folder .. '/some.py')
  eq(child.bo.filetype, 'python')
  eq(child.lua_get("require('infill').statusline()"), '')
  child.fn.writefile({ '' }, editor.folder .. '/other.lua')
  child.cmd('edit ' .. editor.folder .. '/other.lua')
  local attached = "return #vim.lsp.get_clients({ bufnr = vim.fn.bufnr(...) })"
  editor.eventually('the other file’s server', function()
    return child.lua(attached, { editor.folder .. '/other.lua' }) == 1
  end)
  eq(child.lua(attached, { editor.folder .. '/some.py' }), 0)
end

T['the status line: in Neovim’s own, not in one that is set'] = function()
  editor.start()
  eq(child.go.statusline:find('infill', 1, true) ~= nil, true)
  editor.start({ before = "vim.o.statusline = '%f'" })
  eq(child.go.statusline, '%f')
  editor.start({ setup = '{ enabled = false, statusline = false }' })
  eq(child.go.statusline:find('infill', 1, true), nil)
end

return T
