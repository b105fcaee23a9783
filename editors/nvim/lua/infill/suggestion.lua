--- The suggestion on the screen: shown by Neovim's own `vim.lsp.inline_completion`, accepted here.
---
--- Neovim's own accept replaces the range as it was when the server answered, and so doubles what was typed since; and it
--- knows only the whole suggestion. It also waits for the event loop, and a key typed meanwhile lands before the text.
local M = {}

local inline = vim.lsp.inline_completion
local is_paused = false

---@class infill.Remainder
---@field text string What is still to be inserted at the cursor.
---@field row integer From 0.
---@field column integer In bytes.
---@field covered integer Bytes behind the cursor that the text replaces: brackets and quotes that were closed already.

--- What is left of a suggestion at the cursor, or nothing where something else was typed in the meantime.
---
--- The server's ranges begin at the cursor of the request. So what stands between there and the cursor now was typed since,
--- and what the range covered then is behind the cursor still.
---@param item vim.lsp.inline_completion.Item
---@param bufnr integer
---@return infill.Remainder?
local function remainder(item, bufnr)
  local text = item.insert_text --[[@as string]]
  local cursor = vim.api.nvim_win_get_cursor(0)
  local row, column = cursor[1] - 1, cursor[2]
  if not item.range then
    return { text = text, row = row, column = column, covered = 0 }
  end
  local start_row, start_column, end_row, end_column = item.range:to_extmark()
  if row ~= start_row or end_row ~= start_row or column < start_column then
    return
  end
  local line = vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1]
  local typed = line:sub(start_column + 1, column)
  if not vim.startswith(text, typed) then
    return
  end
  local covered = math.min(end_column - start_column, #line - column)
  return { text = text:sub(#typed + 1), row = row, column = column, covered = covered }
end

--- The part of a text that one step accepts.
---@param text string
---@param amount 'all'|'word'|'line'
---@return string
local function part(text, amount)
  if amount == 'line' then
    return text:match('^\n?[^\n]+') or text
  elseif amount == 'word' then
    -- A word with the blanks before it, or a run of other characters; bytes above 127 are letters of some script.
    return text:match('^%s*[%w_\128-\255]+') or text:match('^%s*[^%w_%s\128-\255]+') or text
  end
  return text
end

---@param bufnr integer
---@param rest infill.Remainder
---@param text string
---@param covered integer
local function insert(bufnr, rest, text, covered)
  -- One undo takes the suggestion back and leaves what was typed.
  vim.bo[bufnr].undolevels = vim.bo[bufnr].undolevels
  local lines = vim.split(text, '\n', { plain = true })
  vim.api.nvim_buf_set_text(bufnr, rest.row, rest.column, rest.row, rest.column + covered, lines)
  local column = (#lines == 1 and rest.column or 0) + #lines[#lines]
  vim.api.nvim_win_set_cursor(0, { rest.row + #lines, column })
end

--- Shows again what a partial accept left over. This reaches into Neovim's module, which has no public way to show an
--- item; where that is gone, the server is asked again after the usual delay.
---@param bufnr integer
---@param item vim.lsp.inline_completion.Item
---@param text string
---@param covered integer
local function show_again(bufnr, item, text, covered)
  local cursor = vim.api.nvim_win_get_cursor(0)
  local row, column = cursor[1] - 1, cursor[2]
  pcall(function()
    local completor = require('vim.lsp._capability').all.inline_completion.active[bufnr]
    completor.current = vim.tbl_extend('force', item, {
      insert_text = text,
      range = vim.range.extmark(bufnr, row, column, row, column + covered),
    })
    completor:show()
  end)
end

---@param item vim.lsp.inline_completion.Item
---@param amount 'all'|'word'|'line'
---@return boolean accepted
local function apply(item, amount)
  local bufnr = vim.api.nvim_get_current_buf()
  local rest = type(item.insert_text) == 'string' and remainder(item, bufnr)
  if not rest or rest.text == '' then
    return false
  end
  local text = part(rest.text, amount)
  local is_whole = text == rest.text
  insert(bufnr, rest, text, is_whole and rest.covered or 0)
  if not is_whole then
    show_again(bufnr, item, rest.text:sub(#text + 1), rest.covered)
  elseif item.command then
    local client = vim.lsp.get_client_by_id(item.client_id)
    if client then
      client:exec_cmd(item.command, { bufnr = bufnr })
    end
  end
  return true
end

--- Hands the item on the screen to a function, at once. Neovim's own `get` does it later.
---@param take fun(item: vim.lsp.inline_completion.Item)
local function with_item(take)
  local is_over = false
  local is_shown = inline.get({
    on_accept = function(item)
      take(item)
    end,
  })
  if is_shown then
    vim.schedule(function()
      is_over = true
    end)
    vim.wait(1000, function()
      return is_over
    end, 1)
  end
end

---@param amount 'all'|'word'|'line'
---@return boolean accepted
function M.accept(amount)
  local is_accepted = false
  with_item(function(item)
    is_accepted = apply(item, amount)
  end)
  return is_accepted
end

function M.dismiss()
  with_item(function() end)
end

--- Neovim's own state of what is shown in a buffer. It has no public way to show items or to count them.
---@param bufnr integer
---@return table?
local function completor_of(bufnr)
  local is_there, completor = pcall(function()
    return require('vim.lsp._capability').all.inline_completion.active[bufnr]
  end)
  return is_there and completor or nil
end

--- Asks at the cursor as a person does: the server answers also where it is silent by itself, and with several
--- suggestions to choose from.
---@param choice integer Which of them is shown; -1 is the last.
local function ask(choice)
  local client = require('infill.server').client_or_notify()
  local bufnr = vim.api.nvim_get_current_buf()
  local completor = completor_of(bufnr)
  if not client then
    return
  elseif not completor or not completor.client_state[client.id] then
    vim.notify('infill: suggestions are off in this buffer (:Infill resume)', vim.log.levels.WARN)
    return
  end
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding) --[[@as table]]
  params.context = { triggerKind = vim.lsp.protocol.InlineCompletionTriggerKind.Invoked }
  local tick = vim.api.nvim_buf_get_changedtick(bufnr)
  client:request('textDocument/inlineCompletion', params, function(_, result)
    local items = result and (result.items or result) or {}
    local is_current = vim.api.nvim_get_current_buf() == bufnr and vim.api.nvim_buf_get_changedtick(bufnr) == tick
    if #items == 0 then
      -- The reason comes right behind the answer.
      vim.defer_fn(require('infill.status').print, 50)
    elseif is_current and vim.startswith(vim.api.nvim_get_mode().mode, 'i') then
      completor.client_state[client.id].items = items
      if choice ~= 1 and #items == 1 then
        vim.notify('infill: there is no other suggestion here')
      end
      completor:select(choice < 0 and #items or math.min(choice, #items), #items > 1)
    end
  end, bufnr)
end

--- Asks for suggestions now.
function M.suggest()
  ask(1)
end

--- Shows another suggestion; where there is only one, asks for more.
---@param count integer
function M.select(count)
  local completor = completor_of(vim.api.nvim_get_current_buf())
  if not completor or not completor.current then
    ask(1)
  elseif completor:count_items() < 2 then
    ask(count > 0 and 2 or -1)
  else
    inline.select({ count = count })
  end
end

local group = vim.api.nvim_create_augroup('infill', { clear = false })

--- Turns Neovim's inline completion on in the buffers that our client serves.
function M.show_in_attached_buffers()
  vim.api.nvim_clear_autocmds({ group = group })
  vim.api.nvim_create_autocmd('LspAttach', {
    group = group,
    desc = 'infill: show suggestions',
    callback = function(event)
      local client = vim.lsp.get_client_by_id(event.data.client_id)
      if client and client.name == require('infill.server').NAME and not is_paused then
        inline.enable(true, { bufnr = event.buf })
      end
    end,
  })
end

---@param is_on boolean
local function switch(is_on)
  is_paused = not is_on
  for _, client in ipairs(vim.lsp.get_clients({ name = require('infill.server').NAME })) do
    inline.enable(is_on, { client_id = client.id })
    -- Buffers that were opened during the pause were left out when they were attached.
    for bufnr in pairs(is_on and client.attached_buffers or {}) do
      inline.enable(true, { bufnr = bufnr })
    end
  end
  vim.cmd.redrawstatus()
end

function M.pause()
  switch(false)
end

function M.resume()
  switch(true)
end

function M.toggle()
  switch(is_paused)
end

---@return boolean
function M.paused()
  return is_paused
end

return M
