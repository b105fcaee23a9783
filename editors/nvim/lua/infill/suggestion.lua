--- The suggestion on the screen: shown by Neovim's own `vim.lsp.inline_completion`, or by ours where that is too old;
--- accepted here.
---
--- Neovim's own accept replaces the range as it was when the server answered, and so doubles what was typed since; and it
--- knows only the whole suggestion. It also waits for the event loop, and a key typed meanwhile lands before the text.
local M = {}

local inline = vim.lsp.inline_completion or require('infill.ghost')
local new_range = vim.range and vim.range.extmark or require('infill.ghost').range
local is_paused = false

--- On the wire; older versions of Neovim have no names for them.
local INVOKED, AUTOMATIC = 1, 2

--- Lets keys that come at once, such as pasted ones, be over before it asks, in ms. How long to wait for one who types fast
--- the server knows, who has learnt it.
local PAUSE_MS = 10

local server = require('infill.server')
local say = require('infill.notice').say

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

--- The state of what is shown in a buffer. Neovim has no public way to show items or to count them, so this reaches into
--- its module; where that has changed, there is none.
---@param bufnr integer
---@return table?
local function completor_of(bufnr)
  if inline.active then
    return inline.active[bufnr]
  end
  local is_there, completor = pcall(function()
    return require('vim.lsp._capability').all.inline_completion.active[bufnr]
  end)
  return is_there and completor or nil
end

--- Shows again what a partial accept left over. Where that cannot be done, the server is asked again after the usual delay.
---@param bufnr integer
---@param item vim.lsp.inline_completion.Item
---@param text string
---@param covered integer
local function show_again(bufnr, item, text, covered)
  local cursor = vim.api.nvim_win_get_cursor(0)
  local row, column = cursor[1] - 1, cursor[2]
  pcall(function()
    local completor = assert(completor_of(bufnr))
    completor.current = vim.tbl_extend('force', item, {
      insert_text = text,
      range = new_range(bufnr, row, column, row, column + covered),
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
      server.request(client, 'workspace/executeCommand', {
        command = item.command.command,
        arguments = item.command.arguments,
      }, function() end, bufnr)
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

--- Asks the server for suggestions at the cursor.
---@param client vim.lsp.Client
---@param bufnr integer
---@param kind integer
---@param on_answer fun(items?: table[], is_current: boolean) Whether the cursor still waits where it was.
local function request(client, bufnr, kind, on_answer)
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding) --[[@as table]]
  params.context = { triggerKind = kind }
  local tick = vim.api.nvim_buf_get_changedtick(bufnr)
  server.request(client, 'textDocument/inlineCompletion', params, function(_, result)
    local is_here = vim.api.nvim_get_current_buf() == bufnr and vim.startswith(vim.api.nvim_get_mode().mode, 'i')
    on_answer(result and (result.items or result), is_here and vim.api.nvim_buf_get_changedtick(bufnr) == tick)
  end, bufnr)
end

--- Asks at the cursor as a person does: the server answers also where it is silent by itself, and with several
--- suggestions to choose from.
---@param choice integer Which of them is shown; -1 is the last.
local function ask(choice)
  local client = server.client_or_notify()
  local bufnr = vim.api.nvim_get_current_buf()
  local completor = completor_of(bufnr)
  if not client then
    return
  elseif not completor or not completor.client_state[client.id] then
    say('infill: suggestions are off in this buffer (:Infill resume)', vim.log.levels.WARN)
    return
  end
  request(client, bufnr, INVOKED, function(items, is_current)
    if #(items or {}) == 0 then
      -- The reason comes right behind the answer.
      vim.defer_fn(require('infill.status').print, 50)
    elseif is_current then
      completor.client_state[client.id].items = items
      if choice ~= 1 and #items == 1 then
        say('infill: there is no other suggestion here')
      end
      completor:select(choice < 0 and #items or math.min(choice, #items), #items > 1)
    end
  end)
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

--- Asks as one who types does, in place of Neovim, which would wait 200 ms for the next key.
---@param bufnr integer
local function ask_soon(bufnr)
  local completor = completor_of(bufnr)
  local client = server.client(bufnr)
  local is_here = vim.api.nvim_get_current_buf() == bufnr and vim.startswith(vim.api.nvim_get_mode().mode, 'i')
  if not is_here or not completor or not client or not completor.client_state[client.id] then
    return
  end
  -- Where this cannot be done any more Neovim asks, as it would have.
  if not pcall(completor.reset_timer, completor) then
    return
  end
  request(client, bufnr, AUTOMATIC, function(items, is_current)
    -- No answer means that nothing is known; an empty one that there is nothing.
    if items and is_current and completor_of(bufnr) == completor then
      completor.client_state[client.id].items = items
      completor:select(1)
    end
  end)
end

--- Takes off the screen what was suggested where something else is typed. Neovim would leave it there until there is
--- an answer.
---@param bufnr integer
local function drop_expired(bufnr)
  local completor = completor_of(bufnr)
  local item = completor and completor.current
  if item and type(item.insert_text) == 'string' and not remainder(item, bufnr) then
    completor.current = nil
    pcall(completor.hide, completor)
  end
end

---@type uv.uv_timer_t?
local soon

local group = vim.api.nvim_create_augroup('infill', { clear = false })

--- Has Neovim 0.12 ask sooner. What older versions have is ours, and soon anyway.
local function ask_sooner()
  vim.api.nvim_create_autocmd({ 'InsertEnter', 'CursorMovedI', 'TextChangedP' }, {
    group = group,
    desc = 'infill: ask for suggestions',
    callback = function(event)
      drop_expired(event.buf)
      if soon and not soon:is_closing() then
        soon:stop()
        soon:close()
      end
      soon = vim.defer_fn(function()
        ask_soon(event.buf)
      end, PAUSE_MS)
    end,
  })
end

--- Turns Neovim's inline completion on in the buffers that our client serves.
function M.show_in_attached_buffers()
  vim.api.nvim_clear_autocmds({ group = group })
  if vim.lsp.inline_completion then
    ask_sooner()
  end
  vim.api.nvim_create_autocmd('LspAttach', {
    group = group,
    desc = 'infill: show suggestions',
    callback = function(event)
      local client = vim.lsp.get_client_by_id(event.data.client_id)
      if client and client.name == server.NAME and not is_paused then
        inline.enable(true, { bufnr = event.buf })
      end
    end,
  })
end

---@param is_on boolean
local function switch(is_on)
  is_paused = not is_on
  for _, client in ipairs(vim.lsp.get_clients({ name = server.NAME })) do
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
