--- A server inside Neovim, for tests of the plugin: it answers what the test says, in place of a program. Loaded in the Neovim
--- that is tested, after `require('infill').setup()`.
---
---     scripted.answers   what the next request of a method is answered; each once, or, as a function, always
---     scripted.suggest(items)   has the next inline completion where they begin answered with these items
---     scripted.requests  { method, params } of all requests so far
---     scripted.answered  how many answers were taken by Neovim
---     scripted.starts    how often the server was started
---     scripted.notify(method, params)   speaks for the server
---     scripted.crash()   ends it as if its process had died
_G.scripted = { answers = {}, requests = {}, notifications = {}, answered = 0, starts = 0 }
local scripted = _G.scripted

local CAPABILITIES = {
  textDocumentSync = { openClose = true, change = 1 },
  inlineCompletionProvider = true,
  codeActionProvider = { resolveProvider = true },
  executeCommandProvider = { commands = { 'infill-ls.ask' } },
}

---@param method string
---@param params table
---@return any
local function answer(method, params)
  table.insert(scripted.requests, { method = method, params = params })
  local found = scripted.answers[method]
  if method == 'initialize' then
    return { capabilities = CAPABILITIES }
  elseif type(found) == 'function' then
    return found(params)
  end
  scripted.answers[method] = nil
  return found
end

--- A request from before, for another place, may be on its way still: it is not answered with these.
---@param items table[]
function scripted.suggest(items)
  local method, place = 'textDocument/inlineCompletion', items[1].range.start
  scripted.answers[method] = function(params)
    if vim.deep_equal(params.position, place) then
      scripted.answers[method] = nil
      return { items = items }
    end
  end
end

---@param dispatchers vim.lsp.rpc.Dispatchers
local function start(dispatchers)
  scripted.starts = scripted.starts + 1
  local last, is_closing = 0, false
  scripted.notify = function(method, params)
    dispatchers.notification(method, params)
  end
  local function stop(code, signal)
    if not is_closing then
      is_closing = true
      require('infill.restart').on_exit(code, signal)
      dispatchers.on_exit(0, 0)
    end
  end
  scripted.crash = function()
    stop(1, 9)
  end
  return {
    request = function(method, params, callback)
      last = last + 1
      local result = answer(method, params)
      vim.schedule(function()
        callback(nil, result)
        scripted.answered = scripted.answered + 1
      end)
      return true, last
    end,
    notify = function(method, params)
      table.insert(scripted.notifications, { method = method, params = params })
      if method == 'initialized' then
        dispatchers.notification('infill/status', { state = 'ready', message = 'scripted' })
      elseif method == 'exit' then
        stop(0, 0)
      end
      return true
    end,
    is_closing = function()
      return is_closing
    end,
    terminate = function()
      stop(0, 15)
    end,
  }
end

if vim.lsp.config then
  vim.lsp.config('infill_ls', { cmd = start })
end
local server = require('infill.server')
local config = server.config
server.config = function()
  return vim.tbl_extend('force', config(), { cmd = start })
end
server.binary = function()
  return '/scripted/infill-ls', 'the test'
end
