--- Choosing a model of the catalogue, with its size and the speed that was measured on this machine.
local M = {}

local say = require('infill.notice').say

--- One line of the choice.
---@param model table As `infill-ls model list --json` tells it.
---@return string
local function line(model)
  local notes = {}
  if model.default then
    table.insert(notes, 'the default')
  end
  table.insert(notes, model.installed and 'on this machine' or 'to be fetched')
  local speed = type(model.speed) == 'table' and model.speed or {}
  for _, part in ipairs({ { 'prefill_per_second', 'reads %d tokens/s' }, { 'decode_per_second', 'writes %d tokens/s' } }) do
    local value = speed[part[1]]
    if type(value) == 'number' then
      table.insert(notes, part[2]:format(value))
    end
  end
  return ('%s, %d MB, %s (%s)'):format(model.name, model.bytes / 1e6, model.licence, table.concat(notes, ', '))
end

--- Takes this model from now on in this session.
---@param name string
local function take(name)
  local options = require('infill.options').get()
  options.settings = vim.tbl_extend('force', options.settings, { model = name })
  if vim.lsp.config then
    vim.lsp.config(require('infill.server').NAME, { init_options = { model = name } })
  end
  require('infill.restart').restart()
  say(("infill: %s; setup({ settings = { model = '%s' } }) keeps it"):format(name, name))
end

--- Lists the models and takes the one that is chosen.
function M.choose()
  local server = require('infill.server')
  local path = server.binary()
  if not path then
    say(server.HOW_TO_GET_IT, vim.log.levels.WARN)
    return
  end
  vim.system({ path, 'model', 'list', '--json' }, { text = true }, function(result)
    vim.schedule(function()
      if result.code ~= 0 then
        say('infill: ' .. vim.trim(result.stderr or ''), vim.log.levels.ERROR)
        return
      end
      local models = vim.tbl_filter(function(model)
        return model.supported
      end, vim.json.decode(result.stdout))
      vim.ui.select(models, { prompt = 'infill: the model', format_item = line }, function(model)
        if model then
          take(model.name)
        end
      end)
    end)
  end)
end

return M
