--- Telling the user something without stopping them: a message that does not fit its line would ask for Enter.
local M = {}

--- Whether the line for messages goes on saying "-- INSERT --", so that who types would not see a warning there.
---@param level? integer
---@return boolean
local function is_unseen(level)
  local is_inserting = vim.startswith(vim.api.nvim_get_mode().mode, 'i') and vim.o.showmode
  return is_inserting and (level or vim.log.levels.INFO) >= vim.log.levels.WARN
end

--- Says something: in the line for messages, or in a window at the cursor where it would not be seen or is too long.
---@param text string
---@param level? integer One of |vim.log.levels|.
function M.say(text, level)
  local fits = not text:find('\n') and vim.fn.strdisplaywidth(text) <= vim.v.echospace
  if fits and not is_unseen(level) then
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
  -- Broken between words it may be a line longer.
  vim.api.nvim_win_set_height(window, vim.api.nvim_win_text_height(window, {}).all)
end

--- Handler of `window/showMessage`.
function M.receive(_, params)
  local levels = { vim.log.levels.ERROR, vim.log.levels.WARN }
  M.say(params.message, levels[params.type] or vim.log.levels.INFO)
  return vim.NIL
end

return M
