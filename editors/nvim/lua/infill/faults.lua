--- What linters and other servers say about the code, told to our server when code actions are asked for: Neovim tells
--- each server only of its own diagnostics (0.10: of all servers', but not of linters'), and ours has none.
local M = {}

local is_old = vim.fn.has('nvim-0.11') == 0

---@param line string
---@param column integer In bytes.
---@param encoding string
---@return integer
local function units(line, column, encoding)
  if not is_old then
    return vim.str_utfindex(line, encoding, column, false)
  end
  local utf32, utf16 = vim.str_utfindex(line, column)
  return ({ ['utf-8'] = column, ['utf-16'] = utf16 })[encoding] or utf32
end

---@param bufnr integer
---@param row integer From 0.
---@param column integer In bytes.
---@param encoding string
---@return table position
local function position(bufnr, row, column, encoding)
  local line = vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1] or ''
  return { line = row, character = units(line, math.min(column, #line), encoding) }
end

--- The diagnostics in the lines of a range, as the protocol has them.
---@param bufnr integer
---@param range table
---@param encoding string
---@return table[]
local function within(bufnr, range, encoding)
  local found = {}
  for _, diagnostic in ipairs(vim.diagnostic.get(bufnr)) do
    local last = diagnostic.end_lnum or diagnostic.lnum
    if diagnostic.lnum <= range['end'].line and range.start.line <= last then
      table.insert(found, {
        range = {
          start = position(bufnr, diagnostic.lnum, diagnostic.col, encoding),
          ['end'] = position(bufnr, last, diagnostic.end_col or diagnostic.col, encoding),
        },
        severity = diagnostic.severity,
        source = diagnostic.source,
        message = diagnostic.message,
      })
    end
  end
  return found
end

--- Has a client tell of all diagnostics.
---@param client vim.lsp.Client
function M.tell(client)
  require('infill.server').intercept(client, function(method, params, handler, bufnr)
    local context = method == 'textDocument/codeAction' and params and params.context
    if params and context and vim.tbl_isempty(context.diagnostics or {}) then
      local about = bufnr and bufnr ~= 0 and bufnr or vim.api.nvim_get_current_buf()
      context.diagnostics = within(about, params.range, client.offset_encoding)
    end
    return handler
  end)
end

return M
