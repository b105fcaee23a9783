-- What is there without any set-up: the :Infill command and the <Plug> mappings. Starts nothing.
if vim.g.loaded_infill then
  return
end
vim.g.loaded_infill = true

if vim.fn.has('nvim-0.10') == 0 then
  vim.notify('infill: Neovim 0.10 or newer is needed', vim.log.levels.WARN)
  return
end

vim.api.nvim_create_user_command('Infill', function(arguments)
  require('infill.command').run(arguments.fargs, arguments)
end, {
  nargs = '*',
  range = true,
  desc = 'infill-ls: suggestions from the model inside',
  complete = function(lead, line)
    return require('infill.command').complete(lead, line)
  end,
})

-- Not `expr`: accepting changes the buffer at once, so that a key typed right behind it lands after the suggestion.
for name, action in pairs({
  accept = 'accept',
  ['accept-word'] = 'accept_word',
  ['accept-line'] = 'accept_line',
  suggest = 'suggest',
  next = 'next',
  previous = 'previous',
  dismiss = 'dismiss',
}) do
  vim.keymap.set('i', '<Plug>(infill-' .. name .. ')', function()
    require('infill')[action]()
  end, { desc = 'infill: ' .. name:gsub('-', ' ') })
end

vim.keymap.set('n', '<Plug>(infill-write-function)', function()
  require('infill').write_function()
end, { desc = 'infill: write the function this comment describes' })
