--- Edits that ask to be looked at first (|lsp-workspace-edit| with annotations that need confirmation): shown as a diff instead
--- of being made. Neovim would make them, or, from 0.12 on, ask for a yes without showing what to.
local M = {}

local say = require('infill.notice').say

---@param edit table As |lsp-workspace-edit|.
---@return boolean
local function needs_confirmation(edit)
  for _, annotation in pairs(edit.changeAnnotations or {}) do
    if annotation.needsConfirmation then
      return true
    end
  end
  return false
end

--- A buffer's lines after an edit of it, without changing it. Nothing where the edit is for another version of it.
---@param bufnr integer
---@param edit table As |lsp-workspace-edit|.
---@param encoding string
---@return string[]?
local function edited(bufnr, edit, encoding)
  local uri, edits = vim.uri_from_bufnr(bufnr), {}
  vim.list_extend(edits, (edit.changes or {})[uri] or {})
  for _, change in ipairs(edit.documentChanges or {}) do
    if change.textDocument and change.textDocument.uri == uri then
      local version = change.textDocument.version
      if type(version) == 'number' and version ~= vim.lsp.util.buf_versions[bufnr] then
        return nil
      end
      vim.list_extend(edits, change.edits)
    end
  end
  for _, text_edit in ipairs(edits) do
    text_edit.annotationId = nil -- the change is looked at here
  end
  local copy = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(copy, 0, -1, false, vim.api.nvim_buf_get_lines(bufnr, 0, -1, false))
  vim.lsp.util.apply_text_edits(edits, copy, encoding)
  local lines = vim.api.nvim_buf_get_lines(copy, 0, -1, false)
  vim.api.nvim_buf_delete(copy, { force = true })
  return lines
end

---@param client vim.lsp.Client
---@param bufnr integer
---@param action table As |lsp| has code actions.
local function show(client, bufnr, action)
  local lines = edited(bufnr, action.edit, client.offset_encoding)
  if lines then
    local instruction = type(action.data) == 'table' and action.data.instruction
    require('infill.preview').show('(' .. (instruction or action.title) .. ')', bufnr, lines)
  else
    say('infill: the text has changed in the meantime; ask again', vim.log.levels.WARN)
  end
end

--- Has a client show such edits when it gets them for a code action.
---@param client vim.lsp.Client
function M.watch(client)
  require('infill.server').intercept(client, function(method, _, handler, bufnr)
    if method ~= 'codeAction/resolve' or not handler then
      return handler
    end
    local about = bufnr and bufnr ~= 0 and bufnr or vim.api.nvim_get_current_buf()
    return function(error, action, ...)
      if not error and action and action.edit and needs_confirmation(action.edit) then
        if vim.api.nvim_buf_is_loaded(about) then
          show(client, about, action)
        end
        action.edit = nil -- it is made from there
      end
      return handler(error, action, ...)
    end
  end)
end

return M
