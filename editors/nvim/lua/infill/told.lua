--- What the server does in the user's own words: code changed as an instruction says, and questions answered.
local M = {}

local say = require('infill.notice').say

---@param words string
---@param prompt string
---@param go_on fun(words: string)
local function with_words(words, prompt, go_on)
  if words ~= '' then
    go_on(words)
    return
  end
  vim.ui.input({ prompt = prompt }, function(typed)
    if typed and vim.trim(typed) ~= '' then
      go_on(vim.trim(typed))
    end
  end)
end

--- The selected lines, or the cursor, as the protocol has it.
---@param lines? { first: integer, last: integer } From 1, both included.
---@param encoding string
---@return table
local function place(lines, encoding)
  if not lines then
    return vim.lsp.util.make_range_params(0, encoding).range
  end
  local last = vim.api.nvim_buf_get_lines(0, lines.last - 1, lines.last, false)[1] or ''
  -- The length in bytes is never less than that in the protocol's units, and what is beyond the line is its end.
  return { start = { line = lines.first - 1, character = 0 }, ['end'] = { line = lines.last - 1, character = #last } }
end

---@param client vim.lsp.Client
---@param bufnr integer
---@param range table
---@param instruction string
local function change(client, bufnr, range, instruction)
  say('infill: editing as told (:Infill stop)')
  require('infill.server').request(client, 'codeAction/resolve', {
    title = 'Edit as told',
    data = {
      textDocument = { uri = vim.uri_from_bufnr(bufnr), version = vim.lsp.util.buf_versions[bufnr] },
      range = range,
      task = 'edit',
      instruction = instruction,
    },
  }, function()
    -- Edits of this kind are shown by |infill.confirm|; where there is none, the server has told the user why.
  end, bufnr)
end

--- Changes the code at the cursor, or the lines given, as the user says; shows the change before it is made.
---@param instruction string Asked for where empty.
---@param lines? { first: integer, last: integer }
function M.edit(instruction, lines)
  local client = require('infill.server').client_or_notify()
  if not client then
    return
  end
  if not vim.bo.modifiable then
    say('infill: this buffer cannot be changed', vim.log.levels.WARN)
    return
  end
  local bufnr, range = vim.api.nvim_get_current_buf(), place(lines, client.offset_encoding)
  with_words(instruction, 'Edit as told: ', function(told)
    change(client, bufnr, range, told)
  end)
end

--- Answers a question about the current file, or, where the server is not attached to it, about programming.
---@param question string Asked for where empty.
function M.ask(question)
  local server = require('infill.server')
  local attached = server.client(0)
  local client = attached or server.client() or server.client_or_notify()
  if not client then
    return
  end
  local document = attached and { uri = vim.uri_from_bufnr(0) } or nil
  with_words(question, 'Ask: ', function(asked)
    say('infill: answering (:Infill stop)')
    -- The server opens the answer, or tells the user why there is none.
    server.request(client, 'workspace/executeCommand', {
      command = 'infill-ls.ask',
      arguments = { { question = asked, textDocument = document } },
    }, function(error)
      if not error then
        vim.api.nvim_echo({ { '' } }, false, {}) -- it is answered
      end
    end)
  end)
end

--- Stops what the server does for code actions, edits and questions.
function M.stop()
  local client = require('infill.server').client_or_notify()
  for token in pairs(client and client.progress.pending or {}) do
    require('infill.server').notify(client, 'window/workDoneProgress/cancel', { token = token })
  end
end

return M
