--- A change that is shown before it is made: a diff in a window below, of which each hunk can be left out.
local M = {}

local NAMESPACE = vim.api.nvim_create_namespace('infill.preview')
local CONTEXT = 2
local HELP = 'y: take   x: leave this hunk out, or not   q: reject'

---@class infill.Hunk
---@field row integer The first line that it replaces, or the one that it comes behind, from 0.
---@field count integer Lines that it replaces.
---@field lines string[] What it puts there.
---@field is_left_out boolean
---@field first integer Its header's line in the diff, from 0.
---@field last integer The line behind its last one.

---@param lines string[]
---@return string
local function text(lines)
  return table.concat(lines, '\n') .. '\n'
end

---@param before string[]
---@param after string[]
---@return infill.Hunk[]
local function compare(before, after)
  -- Renamed in Neovim 0.12.
  local diff = vim.text and vim.text.diff or vim.diff
  local hunks = {}
  for _, place in ipairs(diff(text(before), text(after), { result_type = 'indices', algorithm = 'histogram' })) do
    local start, count, new_start, new_count = unpack(place)
    table.insert(hunks, {
      row = count == 0 and start or start - 1,
      count = count,
      lines = vim.list_slice(after, new_start, new_start + new_count - 1),
      is_left_out = false,
    })
  end
  return hunks
end

---@param before string[]
---@param hunks infill.Hunk[]
---@return string[]
local function draw(before, hunks)
  local drawn = {}
  local function add(sign, lines)
    for _, line in ipairs(lines) do
      table.insert(drawn, sign .. line)
    end
  end
  local moved, seen = 0, 0
  for number, hunk in ipairs(hunks) do
    local behind = hunk.row + hunk.count
    local limit = hunks[number + 1] and hunks[number + 1].row or #before
    local head, tail = math.max(seen, hunk.row - CONTEXT), math.min(limit, behind + CONTEXT)
    hunk.first = #drawn
    local olds, news = tail - head, tail - head - hunk.count + #hunk.lines
    table.insert(drawn, ('@@ -%d,%d +%d,%d @@'):format(head + 1, olds, head + moved + 1, news))
    add(' ', vim.list_slice(before, head + 1, hunk.row))
    add('-', vim.list_slice(before, hunk.row + 1, behind))
    add('+', hunk.lines)
    add(' ', vim.list_slice(before, behind + 1, tail))
    hunk.last = #drawn
    moved, seen = moved + #hunk.lines - hunk.count, tail
  end
  return drawn
end

--- Greys the hunks that are left out.
---@param preview integer
---@param hunks infill.Hunk[]
local function mark(preview, hunks)
  vim.api.nvim_buf_clear_namespace(preview, NAMESPACE, 0, -1)
  for _, hunk in ipairs(hunks) do
    if hunk.is_left_out then
      for row = hunk.first, hunk.last - 1 do
        local line = vim.api.nvim_buf_get_lines(preview, row, row + 1, false)[1]
        vim.api.nvim_buf_set_extmark(preview, NAMESPACE, row, 0, {
          end_col = #line,
          hl_group = 'NonText',
          virt_text = row == hunk.first and { { ' left out', 'WarningMsg' } } or nil,
          priority = 200,
        })
      end
    end
  end
end

---@param title string
---@param lines string[]
---@return integer preview
local function open(title, lines)
  vim.cmd('botright new')
  local preview = vim.api.nvim_get_current_buf()
  vim.api.nvim_buf_set_lines(preview, 0, -1, false, lines)
  for name, value in pairs({ buftype = 'nofile', bufhidden = 'wipe', swapfile = false, modifiable = false }) do
    vim.bo[preview][name] = value
  end
  vim.bo[preview].filetype = 'diff'
  local window = vim.api.nvim_get_current_win()
  vim.api.nvim_win_set_height(window, math.min(#lines + 1, math.floor(vim.o.lines * 0.6)))
  for name, value in pairs({ number = false, relativenumber = false, signcolumn = 'no', wrap = false }) do
    vim.wo[window][name] = value
  end
  vim.wo[window].winbar = (' %s   %%<%s'):format(HELP, (title:gsub('%%', '%%%%')))
  pcall(vim.api.nvim_buf_set_name, preview, 'infill://edit')
  return preview
end

--- Makes the change in one undoable step.
---@param bufnr integer
---@param hunks infill.Hunk[]
---@return integer taken
local function apply(bufnr, hunks)
  local taken = 0
  for number = #hunks, 1, -1 do
    local hunk = hunks[number]
    if not hunk.is_left_out then
      vim.api.nvim_buf_set_lines(bufnr, hunk.row, hunk.row + hunk.count, false, hunk.lines)
      taken = taken + 1
    end
  end
  return taken
end

--- Shows what a buffer would become.
---@param title string
---@param bufnr integer
---@param after string[] Its lines then.
function M.show(title, bufnr, after)
  local say = require('infill.notice').say
  local before = vim.api.nvim_buf_get_lines(bufnr, 0, -1, false)
  local hunks = compare(before, after)
  if #hunks == 0 then
    say('infill: that changes nothing')
    return
  end
  vim.api.nvim_echo({ { '' } }, false, {})
  local window = vim.api.nvim_get_current_win()
  local preview = open(title, draw(before, hunks))

  local function close()
    vim.api.nvim_buf_delete(preview, { force = true })
    if vim.api.nvim_win_is_valid(window) then
      vim.api.nvim_set_current_win(window)
    end
  end
  local function map(key, action, description)
    vim.keymap.set('n', key, action, { buffer = preview, nowait = true, desc = 'infill: ' .. description })
  end
  map('y', function()
    close()
    if not vim.api.nvim_buf_is_loaded(bufnr) then
      say('infill: the buffer is gone', vim.log.levels.WARN)
    elseif not vim.deep_equal(vim.api.nvim_buf_get_lines(bufnr, 0, -1, false), before) then
      say('infill: the text has changed in the meantime; ask again', vim.log.levels.WARN)
    else
      local taken = apply(bufnr, hunks)
      say(('infill: %d of %d hunk%s taken; u undoes it'):format(taken, #hunks, #hunks == 1 and '' or 's'))
    end
  end, 'take the change')
  map('q', function()
    close()
    say('infill: rejected, nothing is changed')
  end, 'reject the change')
  map('x', function()
    local row = vim.api.nvim_win_get_cursor(0)[1] - 1
    for _, hunk in ipairs(hunks) do
      if hunk.first <= row and row < hunk.last then
        hunk.is_left_out = not hunk.is_left_out
      end
    end
    mark(preview, hunks)
  end, 'leave this hunk out, or not')
end

return M
