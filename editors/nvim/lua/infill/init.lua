--- What a user's configuration calls. Everything else is behind it and may change.
local M = {}

--- Starts infill-ls in every buffer with a file type and shows its suggestions while you type.
---
--- All options have defaults: `require('infill').setup()` is a whole configuration.
---@param options? infill.Options
function M.setup(options)
  local config = require('infill.options').set(options)
  require('infill.suggestion').show_in_attached_buffers()
  require('infill.keys').map(config.keys)
  if config.statusline then
    require('infill.status').show_in_statusline()
  end
  require('infill.server').enable(config.enabled)
end

--- Accepts the whole suggestion.
---@return boolean accepted False where there was nothing to accept, and then the buffer is as it was.
function M.accept()
  return require('infill.suggestion').accept('all')
end

--- Accepts the next word of the suggestion; the rest stays.
---@return boolean accepted
function M.accept_word()
  return require('infill.suggestion').accept('word')
end

--- Accepts the suggestion up to the end of its line; the rest stays.
---@return boolean accepted
function M.accept_line()
  return require('infill.suggestion').accept('line')
end

--- Asks now: also where nothing is suggested while typing, and for several suggestions to choose from.
function M.suggest()
  require('infill.suggestion').suggest()
end

--- Shows the next suggestion, and asks for more where there is only one.
function M.next()
  require('infill.suggestion').select(1)
end

--- Shows the previous suggestion.
function M.previous()
  require('infill.suggestion').select(-1)
end

--- Takes the suggestion off the screen. The next key asks for another.
function M.dismiss()
  require('infill.suggestion').dismiss()
end

--- Writes the function that the comment or docstring under the cursor describes.
function M.write_function()
  require('infill.action').write_function()
end

--- Changes the code at the cursor, or the lines given, as the instruction says; shows the change before it is made.
---@param instruction? string Asked for where there is none.
---@param lines? { first: integer, last: integer } From 1, both included.
function M.edit(instruction, lines)
  require('infill.told').edit(instruction or '', lines)
end

--- Answers a question about the current file, in a window of its own.
---@param question? string Asked for where there is none.
function M.ask(question)
  require('infill.told').ask(question or '')
end

--- Stops what the server does for code actions, edits and questions. Suggestions go on; see |infill.pause|.
function M.stop()
  require('infill.told').stop()
end

--- Stops asking for suggestions. The server stays, with its model loaded.
function M.pause()
  require('infill.suggestion').pause()
end

--- Asks for suggestions again.
function M.resume()
  require('infill.suggestion').resume()
end

--- Pauses, or resumes where paused.
function M.toggle()
  require('infill.suggestion').toggle()
end

--- What the server is doing.
---@return infill.Status
function M.status()
  return require('infill.status').get()
end

--- The status in a few characters for a status line: empty where infill-ls is not attached to the buffer.
---@return string
function M.statusline()
  return require('infill.status').line()
end

return M
