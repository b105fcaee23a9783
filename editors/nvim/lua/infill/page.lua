--- What the server opens to be read: explanations, translations and answers, which grow while the model writes them, and
--- files of tests.
local M = {}

--- What the server may do beside what Neovim says by itself.
---@return table capabilities As |lsp-config| takes them.
function M.capabilities()
  local capabilities = vim.lsp.protocol.make_client_capabilities()
  local edits = capabilities.workspace.workspaceEdit
  -- Neovim takes both, and names only the second: without the first there is no edit that makes a file.
  edits.documentChanges = true
  -- Before 0.12 Neovim says nothing of it. What asks to be looked at, |infill.confirm| shows.
  edits.changeAnnotationSupport = { groupsOnLabel = false }
  -- Neovim 0.10 runs the command of an action that comes with its edit, and does not say so.
  capabilities.textDocument.codeAction.resolveSupport.properties = { 'edit', 'command' }
  capabilities.experimental = { infillPage = true }
  return capabilities
end

--- Lays out a document that is to be read.
---@param bufnr integer
local function lay_out(bufnr)
  if vim.bo[bufnr].filetype ~= 'markdown' then
    return
  end
  -- As Neovim 0.12 does by itself; without its parser the signs of Markdown are seen.
  pcall(vim.treesitter.start, bufnr)
  for _, window in ipairs(vim.fn.win_findbuf(bufnr)) do
    for name, value in pairs({ wrap = true, linebreak = true, conceallevel = 2 }) do
      vim.api.nvim_set_option_value(name, value, { win = window, scope = 'local' })
    end
  end
end

--- Opens a document beside what is in front.
---@param params table As `window/showDocument` has them.
---@param context table
---@return any result
local function open(params, context)
  local result = vim.lsp.handlers['window/showDocument'](nil, params, context)
  lay_out(vim.uri_to_bufnr(params.uri))
  return result
end

--- Reads a buffer from the disk again, unless the user has written into it.
---@param bufnr integer
local function read_again(bufnr)
  if vim.api.nvim_buf_is_loaded(bufnr) and not vim.bo[bufnr].modified then
    vim.api.nvim_buf_call(bufnr, function()
      vim.cmd('silent! edit')
    end)
  end
end

--- Handler of `window/showDocument`.
---@param error table?
---@param params table
---@param context table
function M.receive(error, params, context)
  if error or params.external then
    return vim.lsp.handlers['window/showDocument'](error, params, context)
  end
  -- A document of the same name was open before; the file is a new one.
  read_again(vim.uri_to_bufnr(params.uri))
  return open(params, context)
end

---@class infill.Page
---@field bufnr integer
---@field length integer Of its text so far.
---@field undolevels integer What they are when it is whole: one does not undo what the model writes.

--- The pages that are being written.
---@type table<string, infill.Page> by URI
local growing = {}

--- The buffers of pages, also of those that are whole.
---@type table<integer, true>
local pages = {}

--- Whether a buffer is a page. There is nothing to suggest in it, and it would have a server, with a model, of its own: it lies
--- in no project.
---@param bufnr integer
---@return boolean
function M.is_page(bufnr)
  return pages[bufnr] or false
end

--- Makes a buffer's lines those of a text, and leaves alone those that are so already, with the cursor that may be there.
---@param bufnr integer
---@param text string
local function write(bufnr, text)
  local lines = vim.split((text:gsub('\n$', '')), '\n', { plain = true })
  local old = vim.api.nvim_buf_get_lines(bufnr, 0, -1, false)
  local same = 0
  while same < #old and old[same + 1] == lines[same + 1] do
    same = same + 1
  end
  vim.api.nvim_buf_set_lines(bufnr, same, -1, false, vim.list_slice(lines, same + 1))
  vim.bo[bufnr].modified = false
end

--- Opens a page that is being written.
---@param params table
---@param context table
---@return infill.Page
local function begin(params, context)
  local bufnr = vim.uri_to_bufnr(params.uri)
  local page = { bufnr = bufnr, length = 0, undolevels = vim.bo[bufnr].undolevels }
  growing[params.uri] = page
  pages[bufnr] = true -- before its file type starts our server for it
  read_again(bufnr)
  open({ uri = params.uri, external = false, takeFocus = false }, context)
  vim.bo[bufnr].undolevels = -1
  return page
end

--- Opens a page when the window of commands is closed: none can be opened beside that.
---@param params table
---@param context table
local function grow_later(params, context)
  vim.api.nvim_create_autocmd('CmdwinLeave', {
    group = vim.api.nvim_create_augroup('infill.page.' .. params.uri, {}),
    once = true,
    callback = vim.schedule_wrap(function()
      M.grow(nil, params, context)
    end),
  })
end

--- Handler of `infill/page`: a page as far as it is written. It is opened once; a user who has closed it meanwhile does not
--- want to see it.
---@param _ any
---@param params { uri: string, title: string, text: string, done: boolean }
---@param context table
function M.grow(_, params, context)
  if vim.fn.getcmdwintype() ~= '' then
    grow_later(params, context)
    return
  end
  local page = growing[params.uri]
  if not page or (not params.done and #params.text < page.length) then -- the same question once more
    page = begin(params, context)
  end
  page.length = #params.text
  local bufnr = page.bufnr
  local is_there = vim.api.nvim_buf_is_loaded(bufnr)
  if is_there and not vim.bo[bufnr].modified then
    write(bufnr, params.text)
  end
  if params.done then
    growing[params.uri] = nil
    if is_there then
      read_again(bufnr)
      lay_out(bufnr)
      vim.bo[bufnr].undolevels = page.undolevels
    end
  end
end

return M
