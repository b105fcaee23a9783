--- Ghost text for Neovim 0.11 and 0.10, which have no `vim.lsp.inline_completion`: as much of that module as this plugin
--- uses, under the same names, so that nothing else here need know which of the two it talks to.
local M = {}

local api = vim.api
local namespace = api.nvim_create_namespace('infill.ghost')

--- Waits for the next key, in ms, before it asks. The server waits too, as it has learnt how fast the user types.
local PAUSE_MS = 10

local AUTOMATIC = 2

---@class infill.Range
---@field to_extmark fun(self: infill.Range): integer, integer, integer, integer
---@field is_empty fun(self: infill.Range): boolean

--- What is shown in one buffer, and asks for it.
---@class infill.Completor
---@field bufnr integer
---@field client_state table<integer, { items?: table[] }> Suggestions by client; there is one client.
---@field current? table The item on the screen.
---@field private group integer
---@field private timer? uv.uv_timer_t
---@field private asked? integer The request under way.
local Completor = {}
Completor.__index = Completor

---@type table<integer, infill.Completor> by buffer
M.active = {}

--- A range as `vim.Range` is, as far as it is used here.
---@param start_row integer From 0, like all of them.
---@param start_column integer In bytes.
---@param end_row integer
---@param end_column integer
---@return infill.Range
function M.range(_, start_row, start_column, end_row, end_column)
  return {
    to_extmark = function()
      return start_row, start_column, end_row, end_column
    end,
    is_empty = function()
      return start_row == end_row and start_column == end_column
    end,
  }
end

--- The byte that a column of the protocol stands for.
---@param bufnr integer
---@param position { line: integer, character: integer }
---@param encoding string
---@return integer
local function byte_of(bufnr, position, encoding)
  local line = api.nvim_buf_get_lines(bufnr, position.line, position.line + 1, false)[1] or ''
  if encoding == 'utf-8' then
    return math.min(position.character, #line)
  elseif vim.fn.has('nvim-0.11') == 1 then
    return vim.str_byteindex(line, encoding, position.character, false)
  end
  local is_there, byte = pcall(vim.str_byteindex, line, position.character, encoding == 'utf-16')
  return is_there and byte or #line
end

---@param bufnr integer
---@return infill.Completor
function Completor.new(bufnr)
  local group = api.nvim_create_augroup('infill.ghost.' .. bufnr, {})
  local self = setmetatable({ bufnr = bufnr, client_state = {}, group = group }, Completor)
  api.nvim_create_autocmd({ 'InsertEnter', 'CursorMovedI', 'TextChangedP' }, {
    group = group,
    buffer = bufnr,
    callback = function()
      self:automatic_request()
    end,
  })
  api.nvim_create_autocmd('InsertLeave', {
    group = group,
    buffer = bufnr,
    callback = function()
      self:abort()
    end,
  })
  api.nvim_create_autocmd('BufUnload', {
    group = group,
    buffer = bufnr,
    callback = function()
      self:destroy()
    end,
  })
  return self
end

function Completor:destroy()
  self:abort()
  api.nvim_del_augroup_by_id(self.group)
  M.active[self.bufnr] = nil
end

---@return integer
function Completor:count_items()
  local count = 0
  for _, state in pairs(self.client_state) do
    count = count + #(state.items or {})
  end
  return count
end

--- Shows one of the suggestions.
---@param index integer From 1.
---@param show_index? boolean Whether it says which of how many.
function Completor:select(index, show_index)
  self.current = nil
  local client_id, state = next(self.client_state)
  local item = state and state.items and state.items[index]
  local client = client_id and vim.lsp.get_client_by_id(client_id)
  if not item or not client then
    self:hide()
    return
  end
  local range = item.range
  self.current = {
    _index = index,
    client_id = client_id,
    insert_text = item.insertText,
    command = item.command,
    range = range and M.range(
      self.bufnr,
      range.start.line,
      byte_of(self.bufnr, range.start, client.offset_encoding),
      range['end'].line,
      byte_of(self.bufnr, range['end'], client.offset_encoding)
    ),
  }
  self:show(show_index and (' (%d/%d)'):format(index, self:count_items()) or nil)
end

--- What is left of the item behind what was typed of it since, or nothing where something else was typed.
---@return string?
function Completor:rest()
  local cursor = api.nvim_win_get_cursor(0)
  local row, column = self.current.range:to_extmark()
  if cursor[1] - 1 ~= row or cursor[2] < column then
    return
  end
  local typed = api.nvim_get_current_line():sub(column + 1, cursor[2])
  local text = self.current.insert_text
  return vim.startswith(text, typed) and text:sub(#typed + 1) or nil
end

--- Draws the item anew.
---@param hint? string
function Completor:show(hint)
  self:hide()
  if not self.current or api.nvim_get_current_buf() ~= self.bufnr then
    return
  end
  local rest = self.current.range and self:rest()
  if not rest or rest == '' then
    self.current = nil
    return
  end
  local lines = {}
  for line in vim.gsplit(rest, '\n', { plain = true }) do
    table.insert(lines, { { line, 'ComplHint' } })
  end
  if hint then
    table.insert(lines[#lines], { hint, 'ComplHintMore' })
  end
  local cursor = api.nvim_win_get_cursor(0)
  api.nvim_buf_set_extmark(self.bufnr, namespace, cursor[1] - 1, cursor[2], {
    virt_text = lines[1],
    virt_lines = vim.list_slice(lines, 2),
    virt_text_pos = self.current.range:is_empty() and 'inline' or 'overlay',
    hl_mode = 'combine',
  })
end

function Completor:hide()
  if api.nvim_buf_is_valid(self.bufnr) then
    api.nvim_buf_clear_namespace(self.bufnr, namespace, 0, -1)
  end
end

function Completor:automatic_request()
  self:show()
  -- What was asked is not taken back: the server goes on with it where the user types what it is writing.
  self:stop_timer()
  self.timer = vim.defer_fn(function()
    self:request()
  end, PAUSE_MS)
end

function Completor:request()
  local server = require('infill.server')
  local client = server.client(self.bufnr)
  if not client or api.nvim_get_current_buf() ~= self.bufnr or not vim.startswith(api.nvim_get_mode().mode, 'i') then
    return
  end
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding) --[[@as table]]
  params.context = { triggerKind = AUTOMATIC }
  local tick = api.nvim_buf_get_changedtick(self.bufnr)
  local is_sent, id
  is_sent, id = server.request(client, 'textDocument/inlineCompletion', params, function(_, result)
    self.asked = self.asked ~= id and self.asked or nil
    local is_current = api.nvim_buf_is_valid(self.bufnr) and api.nvim_buf_get_changedtick(self.bufnr) == tick
    -- No answer means that nothing is known; an empty one that there is nothing.
    if result and is_current and vim.startswith(api.nvim_get_mode().mode, 'i') then
      self.client_state = { [client.id] = { items = result.items or result } }
      self:select(1)
    end
  end, self.bufnr)
  self.asked = is_sent and id or nil
end

---@private
function Completor:stop_timer()
  if self.timer and not self.timer:is_closing() then
    self.timer:stop()
    self.timer:close()
  end
  self.timer = nil
end

--- Takes everything back: what is shown, and what was asked.
function Completor:abort()
  self:stop_timer()
  local client = self.asked and require('infill.server').client(self.bufnr)
  if client then
    require('infill.server').cancel(client, self.asked)
  end
  self.asked = nil
  self:hide()
  self.current = nil
end

---@param bufnr integer
local function attach(bufnr)
  local client = require('infill.server').client(bufnr)
  if not client or M.active[bufnr] then
    return
  end
  local completor = Completor.new(bufnr)
  completor.client_state[client.id] = {}
  M.active[bufnr] = completor
  if api.nvim_get_current_buf() == bufnr and vim.startswith(api.nvim_get_mode().mode, 'i') then
    completor:automatic_request()
  end
end

---@param bufnr integer
local function detach(bufnr)
  if M.active[bufnr] then
    M.active[bufnr]:destroy()
  end
end

---@param filter { bufnr?: integer, client_id?: integer }
---@return integer[]
local function buffers(filter)
  if filter.bufnr then
    return { filter.bufnr }
  end
  local client = vim.lsp.get_client_by_id(filter.client_id)
  return client and vim.tbl_keys(client.attached_buffers) or {}
end

--- Turns suggestions on or off in a buffer, or in all of a client's.
---@param is_on boolean
---@param filter { bufnr?: integer, client_id?: integer }
function M.enable(is_on, filter)
  for _, bufnr in ipairs(buffers(filter)) do
    (is_on and attach or detach)(bufnr)
  end
end

---@param filter { bufnr?: integer, client_id?: integer }
---@return boolean
function M.is_enabled(filter)
  for _, bufnr in ipairs(buffers(filter)) do
    if M.active[bufnr] then
      return true
    end
  end
  return false
end

--- Takes the item off the screen and hands it over.
---@param options { on_accept: fun(item: table) }
---@return boolean is_shown
function M.get(options)
  local completor = M.active[api.nvim_get_current_buf()]
  local item = completor and completor.current
  if not item then
    return false
  end
  completor:abort()
  options.on_accept(item)
  return true
end

--- Shows another suggestion.
---@param options { count: integer }
function M.select(options)
  local completor = M.active[api.nvim_get_current_buf()]
  if completor and completor.current then
    local index = completor.current._index or 1
    completor:select((index + options.count - 1) % completor:count_items() + 1, true)
  end
end

api.nvim_set_hl(0, 'ComplHint', { link = 'NonText', default = true })
api.nvim_set_hl(0, 'ComplHintMore', { link = 'MoreMsg', default = true })

return M
