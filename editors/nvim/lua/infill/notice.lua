--- Telling the user something without stopping them: a message that does not fit its line would ask for Enter.
local M = {}

--- Says something: in the line for messages, or in a window at the cursor where it is longer than that.
---@param text string
---@param level? integer One of |vim.log.levels|.
function M.say(text, level)
  if not text:find('\n') and vim.fn.strdisplaywidth(text) <= vim.v.echospace then
    vim.notify(text, level)
    return
  end
  local width = math.min(vim.o.columns - 4, 78)
  local _, window = vim.lsp.util.open_floating_preview(vim.split(text, '\n', { plain = true }), 'text', {
    border = 'rounded',
    focusable = false,
    wrap = true,
    width = math.min(width, vim.fn.strdisplaywidth(text)),
    max_width = width,
    close_events = { 'CursorMoved', 'CursorMovedI', 'InsertCharPre', 'BufLeave' },
  })
  vim.wo[window].linebreak = true
end

return M
