--- :checkhealth infill
local M = {}

local health = vim.health
local inline = vim.lsp.inline_completion or require('infill.ghost')

local function check_neovim()
  local version = 'Neovim ' .. tostring(vim.version())
  if vim.lsp.inline_completion then
    health.ok(version)
  elseif vim.fn.has('nvim-0.10') == 1 then
    health.ok(version .. ': it has no vim.lsp.inline_completion, so the plugin shows the ghost text itself')
  else
    health.error('Neovim 0.10 or newer is needed')
  end
end

---@return string? path
local function check_binary()
  local server = require('infill.server')
  local path, from = server.binary()
  if not path then
    health.error('infill-ls was not found', { server.HOW_TO_GET_IT })
    return
  end
  local result = vim.system({ path, '--version' }, { text = true }):wait(10000)
  if result.code == 0 then
    health.ok(('%s: %s, from %s'):format(vim.trim(result.stdout), path, from))
    return path
  end
  health.error(('%s --version failed: %s'):format(path, vim.trim(result.stderr or '')))
end

---@param path string
local function check_model(path)
  local model = require('infill.options').get().settings.model
  local result = vim.system({ path, 'model', 'path', model }, { text = true }):wait(10000)
  if result.code == 0 then
    health.ok('Model: ' .. vim.trim(result.stdout))
  else
    health.info('No model yet, the first start fetches it: ' .. vim.trim(result.stderr or ''))
  end
end

local function check_clients()
  local server = require('infill.server')
  if vim.lsp.is_enabled and not vim.lsp.is_enabled(server.NAME) then
    health.warn('The server is not enabled', { "Call require('infill').setup() or vim.lsp.enable('infill_ls')" })
    return
  end
  local clients = vim.lsp.get_clients({ name = server.NAME })
  if #clients == 0 then
    health.info('The server runs in no buffer yet')
  end
  for _, client in ipairs(clients) do
    local buffers = vim.tbl_keys(client.attached_buffers)
    health.ok(('Client %d, %d buffer(s), root %s'):format(client.id, #buffers, client.root_dir or 'none'))
    if not inline.is_enabled({ client_id = client.id, bufnr = buffers[1] }) then
      health.warn('Inline completion is off for it', { ':Infill resume, or vim.lsp.inline_completion.enable()' })
    end
  end
end

function M.check()
  health.start('infill')
  check_neovim()
  local path = check_binary()
  if path then
    check_model(path)
  end
  check_clients()
  local log_file = require('infill.options').get().log_file
  health.info('Log: ' .. (log_file or "none (option 'log_file')"))
end

return M
