--- Runs the Lua tests of the plugin, in the Neovim that runs this:
---
---     nvim --headless --clean [--cmd "let word = 'WORD'"] -u tests/nvim/run.lua
---
--- With a word only the cases with that word in their file's or own name. Each case has a Neovim of its own, started by
--- mini.test and driven through its RPC. tests/nvim/run does this in the Neovims that tests/real/setup installs.
local here = vim.fs.dirname(vim.fs.normalize(debug.getinfo(1, 'S').source:sub(2)))
package.path = here .. '/?.lua;' .. package.path

local MiniTest = require('mini.test')
_G.MiniTest = MiniTest

---@param case table
---@return string
local function name(case)
  local file, words = case.desc[1]:match('([^/]*)%.lua$'), vim.list_slice(case.desc, 2)
  local arguments = #case.args > 0 and ' (' .. vim.inspect(case.args[1]) .. ')' or ''
  return file .. ': ' .. table.concat(words, ' ') .. arguments
end

local started, all = vim.uv.hrtime(), {}

local reporter = {
  start = function(cases)
    all = cases
  end,
  update = function(number)
    local case = all[number]
    local exec = type(case.exec) == 'table' and case.exec or {}
    local is_over = vim.startswith(exec.state or '', 'Pass') or vim.startswith(exec.state or '', 'Fail')
    if is_over then
      io.write(('%s %s\n'):format(#exec.fails > 0 and 'FAILED' or 'ok    ', name(case)))
      for _, text in ipairs(vim.list_extend(vim.list_slice(exec.fails), exec.notes)) do
        io.write('  ' .. text:gsub('\n', '\n  ') .. '\n')
      end
    end
  end,
  finish = function()
    local failed = 0
    for _, case in ipairs(all) do
      failed = failed + (#case.exec.fails > 0 and 1 or 0)
    end
    local seconds = (vim.uv.hrtime() - started) / 1e9
    io.write(('%d passed, %d failed, in Neovim %s, %.1f s\n'):format(#all - failed, failed, tostring(vim.version()), seconds))
    io.flush()
    vim.cmd((failed > 0 or #all == 0) and 'cquit' or 'quitall!')
  end,
}

MiniTest.setup({ script_path = '' })
MiniTest.run({
  collect = {
    find_files = function()
      local files = vim.fn.globpath(here, '*_test.lua', false, true)
      table.sort(files)
      return files
    end,
    filter_cases = function(case)
      return not vim.g.word or name(case):find(vim.g.word, 1, true) ~= nil
    end,
  },
  execute = { reporter = reporter },
})
