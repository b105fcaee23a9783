-- The language server as Neovim's own `vim.lsp.enable('infill_ls')` finds it. Everything here can be changed with
-- `vim.lsp.config('infill_ls', { … })` or by `require('infill').setup({ … })`.
return require('infill.server').config()
