--- The server's code actions that have a command of their own.
local M = {}

M.WRITE_FUNCTION = 'Write the function this comment describes'

--- Applies the action with this title, without a menu. It is asked for by title, since a server may offer others here.
---@param title string
local function apply(title)
  local client = require('infill.server').client_or_notify()
  if not client then
    return
  end
  vim.lsp.buf.code_action({
    apply = true,
    filter = function(action, client_id)
      -- Neovim 0.10 does not say whose action it is.
      return (client_id == nil or client_id == client.id) and action.title == title
    end,
  })
end

function M.write_function()
  apply(M.WRITE_FUNCTION)
end

return M
