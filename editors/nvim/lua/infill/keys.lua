--- Mappings that give the key back: where there is no suggestion, a key does what it did before.
local M = {}

---@param keys string
---@param flags string
local function feed(keys, flags)
  vim.api.nvim_feedkeys(keys, flags, false)
end

---@param keys string
---@return string
local function termcodes(keys)
  return vim.api.nvim_replace_termcodes(keys, true, true, true)
end

--- Does what a mapping that was there before does; without one, types the key itself.
---@param key string
---@param former table As |maparg()| gives it; empty where the key was not mapped.
local function fall_back(key, former)
  if vim.tbl_isempty(former) then
    -- 'i': before what is already waiting to be typed, so that the order of keys stays.
    feed(termcodes(key), 'in')
    return
  end
  local keys = former.rhs or ''
  if former.callback then
    local result = former.callback()
    keys = former.expr == 1 and type(result) == 'string' and result or ''
    keys = former.replace_keycodes == 1 and termcodes(keys) or keys
  elseif former.expr == 1 then
    keys = vim.api.nvim_eval(keys)
    keys = former.replace_keycodes == 1 and termcodes(keys) or keys
  else
    keys = termcodes(keys)
  end
  -- A mapping that ends in its own key would come back to us for ever, so a remappable one is fed without mappings then.
  local is_own = vim.startswith(keys, termcodes(key))
  feed(keys, (former.noremap == 1 or is_own) and 'in' or 'im')
end

---@param key string
---@param action fun(): boolean?
---@param description string
local function map_with_fallback(key, action, description)
  local former = vim.fn.maparg(key, 'i', false, true)
  if former.desc == description then
    return -- set up a second time
  end
  vim.keymap.set('i', key, function()
    if not action() then
      fall_back(key, former)
    end
  end, { desc = description })
end

--- Sets the mappings of the options.
---@param keys infill.Keys|false
function M.map(keys)
  if not keys then
    return
  end
  local infill = require('infill')
  for _, name in ipairs({ 'accept', 'accept_word', 'accept_line' }) do
    if keys[name] then
      map_with_fallback(keys[name], infill[name], 'infill: ' .. name:gsub('_', ' '))
    end
  end
  for _, name in ipairs({ 'suggest', 'next', 'previous', 'dismiss' }) do
    if keys[name] then
      vim.keymap.set('i', keys[name], infill[name], { desc = 'infill: ' .. name })
    end
  end
end

return M
