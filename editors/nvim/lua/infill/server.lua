--- The server's process: where its binary is, how Neovim starts it, and the clients that talk to it.
local M = {}

M.NAME = 'infill_ls'

M.HOW_TO_GET_IT =
  'infill-ls was not found. In a clone of its repository run `cargo install --path .`, or name the binary: '
  .. "require('infill').setup({ binary = '/path/to/infill-ls' })"

--- The release build of the clone that this plugin lies in.
---@return string
local function built_beside_plugin()
  local source = vim.fs.normalize(debug.getinfo(1, 'S').source:sub(2))
  local repository = vim.fs.dirname(source)
  for _ = 1, 4 do -- editors/nvim/lua/infill
    repository = vim.fs.dirname(repository)
  end
  return vim.fs.joinpath(repository, 'target', 'release', 'infill-ls')
end

--- Finds the binary: the option, then PATH, then the clone's own build.
---@return string? path
---@return string? from Which of the three it was.
function M.binary()
  local option = require('infill.options').get().binary
  if option then
    local path = vim.fs.normalize(option)
    return vim.fn.executable(path) == 1 and path or nil, "the option 'binary'"
  end
  local on_path = vim.fn.exepath('infill-ls')
  if on_path ~= '' then
    return on_path, 'PATH'
  end
  local built = built_beside_plugin()
  if vim.fn.executable(built) == 1 then
    return built, 'the clone this plugin lies in'
  end
end

---@return string[]
local function arguments()
  local options = require('infill.options').get()
  local result = { M.binary() or options.binary or 'infill-ls', 'serve' }
  if options.log_file then
    vim.list_extend(result, { '--log-file', options.log_file, '--log-level', options.log_level })
  end
  return result
end

--- Runs the server. A function, since Neovim refuses the configuration of a program that is not there, where nobody
--- reads it; and since it would tell of a server that stopped by itself in so many words that they ask for Enter.
---@param dispatchers vim.lsp.rpc.Dispatchers
---@return vim.lsp.rpc.PublicClient
local function run(dispatchers)
  local on_exit = dispatchers.on_exit
  return vim.lsp.rpc.start(
    arguments(),
    vim.tbl_extend('force', dispatchers, {
      on_exit = function(code, signal)
        require('infill.restart').on_exit(code, signal)
        on_exit(0, 0)
      end,
    })
  )
end

---@param bufnr integer
---@return boolean
local function is_wanted(bufnr)
  local options = require('infill.options').get()
  if require('infill.page').is_page(bufnr) then
    return false
  end
  return not vim.tbl_contains(options.disabled_filetypes, vim.bo[bufnr].filetype)
end

local has_told = false

--- Once: every file would say it again.
local function say_how_to_get_it()
  if not has_told then
    has_told = true
    require('infill.notice').say(M.HOW_TO_GET_IT, vim.log.levels.ERROR)
  end
end

--- What is to be said where there is no program.
---@return infill.Status?
function M.missing()
  return has_told and not M.client() and { state = 'failed', message = M.HOW_TO_GET_IT } or nil
end

local ROOT_MARKERS = { '.git', '.hg', '.jj', 'Cargo.toml', 'pyproject.toml', 'package.json', 'go.mod' }

--- The configuration as |vim.lsp.Config|.
---@return vim.lsp.Config
function M.config()
  local options = require('infill.options').get()
  return {
    cmd = run,
    filetypes = options.filetypes,
    -- A function, since only that can leave a buffer alone. A file outside any project is served too.
    root_dir = function(bufnr, on_dir)
      if not is_wanted(bufnr) then
        return
      end
      if M.binary() then
        on_dir(vim.fs.root(bufnr, ROOT_MARKERS))
      else
        say_how_to_get_it()
      end
    end,
    root_markers = ROOT_MARKERS,
    workspace_required = false,
    -- An empty Lua table would be sent as an empty list.
    init_options = next(options.settings) and options.settings or vim.empty_dict(),
    on_init = function(client)
      require('infill.faults').tell(client)
      require('infill.confirm').watch(client)
    end,
    capabilities = require('infill.page').capabilities(),
    handlers = {
      ['infill/status'] = require('infill.status').receive,
      ['infill/page'] = require('infill.page').grow,
      ['window/showDocument'] = require('infill.page').receive,
      ['window/showMessage'] = require('infill.notice').receive,
    },
  }
end

--- Starts the server in a buffer, as |vim.lsp.enable()| does in Neovim 0.11.
---@param bufnr integer
local function start_in(bufnr)
  local config = M.config()
  local is_file = vim.bo[bufnr].buftype == '' and vim.bo[bufnr].filetype ~= ''
  if not is_file or (config.filetypes and not vim.tbl_contains(config.filetypes, vim.bo[bufnr].filetype)) then
    return
  end
  config.root_dir(bufnr, function(root)
    local started = vim.tbl_extend('force', config, { name = M.NAME })
    started.root_dir = root -- also where there is none: vim.lsp.start() takes no function
    vim.lsp.start(started, {
      bufnr = bufnr,
      -- Neovim's own rule in 0.10 starts one for each file outside any project.
      reuse_client = function(client)
        return client.name == M.NAME and client.config.root_dir == root and not client.is_stopped()
      end,
    })
  end)
end

--- Starts the server in the buffers that are there.
function M.start()
  if vim.lsp.enable then
    vim.lsp.enable(M.NAME)
    return
  end
  for _, bufnr in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(bufnr) then
      start_in(bufnr)
    end
  end
end

--- How long the server has to end by itself, in ms.
local LONGEST_STOP_MS = 3000

--- Stops a client's server.
---@param client vim.lsp.Client
function M.stop(client)
  local self = vim.fn.has('nvim-0.11') == 1 and { client } or {}
  client.stop(unpack(self))
  vim.defer_fn(function()
    if not client.is_stopped(unpack(self)) then
      client.stop(unpack(vim.list_extend(self, { true })))
    end
  end, LONGEST_STOP_MS)
end

--- Makes the configuration known to Neovim, and has it start the server if that is wanted.
---@param is_wanted_now boolean
function M.enable(is_wanted_now)
  if vim.lsp.config then
    vim.lsp.config(M.NAME, M.config())
  end
  if not is_wanted_now then
    return
  elseif vim.lsp.enable then
    M.start()
    return
  end
  local group = vim.api.nvim_create_augroup('infill.start', {})
  vim.api.nvim_create_autocmd('FileType', {
    group = group,
    desc = 'infill: start the server',
    callback = function(event)
      start_in(event.buf)
    end,
  })
  M.start()
end

--- Sends a request. In Neovim 0.10 the client's functions do not take the client itself.
---@param client vim.lsp.Client
---@param method string
---@param params table?
---@param handler fun(error: table?, result: any)
---@param bufnr? integer
---@return boolean is_sent
---@return integer? id
function M.request(client, method, params, handler, bufnr)
  if vim.fn.has('nvim-0.11') == 1 then
    return client:request(method, params, handler, bufnr)
  end
  return client.request(method, params, handler, bufnr)
end

--- Stands between a client and its server: sees each request, may change its parameters, and returns its handler.
---@param client vim.lsp.Client
---@param see fun(method: string, params: table?, handler: function?, bufnr: integer?): function?
function M.intercept(client, see)
  local request = client.request
  if vim.fn.has('nvim-0.11') == 1 then
    client.request = function(self, method, params, handler, bufnr)
      return request(self, method, params, see(method, params, handler, bufnr), bufnr)
    end
    return
  end
  client.request = function(method, params, handler, bufnr)
    return request(method, params, see(method, params, handler, bufnr), bufnr)
  end
end

--- Takes a request back.
---@param client vim.lsp.Client
---@param id integer
function M.cancel(client, id)
  if vim.fn.has('nvim-0.11') == 1 then
    client:cancel_request(id)
  else
    client.cancel_request(id)
  end
end

--- Sends a notification.
---@param client vim.lsp.Client
---@param method string
---@param params table
function M.notify(client, method, params)
  if vim.fn.has('nvim-0.11') == 1 then
    client:notify(method, params)
  else
    client.notify(method, params)
  end
end

--- The client attached to a buffer (0: the current one), or any client where none is given.
---@param bufnr? integer
---@return vim.lsp.Client?
function M.client(bufnr)
  return vim.lsp.get_clients({ name = M.NAME, bufnr = bufnr })[1]
end

--- The client of the current buffer; tells the user where there is none.
---@return vim.lsp.Client?
function M.client_or_notify()
  local client = M.client(0)
  if not client then
    local reason = M.binary() and 'infill-ls is not attached to this buffer (:checkhealth infill)' or M.HOW_TO_GET_IT
    require('infill.notice').say(reason, vim.log.levels.WARN)
  end
  return client
end

return M
