--- What the server opens to be read: explanations, translations, answers, and files of tests.
local M = {}

--- What the server may do beside what Neovim says by itself.
---@return table capabilities As |lsp-config| takes them.
function M.capabilities()
  local capabilities = vim.lsp.protocol.make_client_capabilities()
  local edits = capabilities.workspace.workspaceEdit
  -- Neovim takes both, and names only the second: without the first there is no edit that makes a file.
  edits.documentChanges = true
  -- Neovim 0.12 would ask for a yes without showing what to. Not nil, which would leave what Neovim says.
  edits.changeAnnotationSupport = vim.NIL
  return capabilities
end

--- Handler of `window/showDocument`.
---@param error table?
---@param params table
---@param context table
function M.receive(error, params, context)
  local bufnr = not params.external and vim.uri_to_bufnr(params.uri) or nil
  if bufnr and vim.api.nvim_buf_is_loaded(bufnr) and not vim.bo[bufnr].modified then
    -- A page with the same title was open before; the file is a new one.
    vim.api.nvim_buf_call(bufnr, function()
      vim.cmd('silent! edit')
    end)
  end
  local result = vim.lsp.handlers['window/showDocument'](error, params, context)
  for _, window in ipairs(bufnr and vim.fn.win_findbuf(bufnr) or {}) do
    if vim.bo[bufnr].filetype == 'markdown' then
      for name, value in pairs({ wrap = true, linebreak = true, conceallevel = 2 }) do
        vim.api.nvim_set_option_value(name, value, { win = window, scope = 'local' })
      end
    end
  end
  return result
end

return M
