-- Called by language-server.sh: opens a ruleset, and holds what the server says of it against what it must say.
local function check(condition, message)
  if not condition then
    io.stderr:write('neovim: ' .. message .. '\n')
    vim.cmd('cquit 1')
  end
end

vim.cmd('edit ' .. vim.fn.fnameescape(os.getenv('FERRULE_FILE')))
local buffer = vim.api.nvim_get_current_buf()
local config = { name = 'ferrule', cmd = { 'ferrule', 'lsp' }, root_dir = vim.fn.getcwd() }
local client
if vim.lsp.start then
  client = vim.lsp.start(config)
else
  client = vim.lsp.start_client(config)
  vim.lsp.buf_attach_client(buffer, client)
end
check(client, 'the server cannot be started')

local function codes()
  local found = {}
  for _, entry in ipairs(vim.diagnostic.get(buffer)) do
    local data = entry.user_data and entry.user_data.lsp
    found[entry.code or (data and data.code) or '?'] = true
  end
  return found
end
local function request(method, line, character, more)
  local parameters = vim.tbl_extend('force', {
    textDocument = { uri = vim.uri_from_bufnr(buffer) }, position = { line = line, character = character },
  }, more or {})
  local answers = vim.lsp.buf_request_sync(buffer, method, parameters, 5000)
  check(answers and answers[client], method .. ' has no answer')
  return answers[client].result
end

check(vim.wait(10000, function() return codes().FE014 end, 50), 'there is no finding FE014')
check(codes().FE002 and codes().FE005, 'a finding is missing')

-- The finding goes when the mistake is mended by typing, beyond a character of two UTF-16 units.
vim.api.nvim_buf_set_text(buffer, 0, 0, 0, 0, { '# 😀 ' })
vim.api.nvim_buf_set_text(buffer, 8, 20, 8, 23, { '/32' })
check(vim.wait(10000, function() return codes().FE002 and not codes().FE014 end, 50), 'the mended mistake is still found')
local line = vim.api.nvim_buf_get_lines(buffer, 8, 9, true)[1]
check(line == '-A INPUT -s 10.0.0.5/32 -p tcp -m tcp --dport 22 -j ACCEPT', 'the line is ' .. line)

local hover = request('textDocument/hover', 8, 40)
check(hover and hover.contents.value:find('destination port', 1, true), 'hover does not explain --dport')
local items = request('textDocument/completion', 13, 28).items
check(vim.tbl_contains(vim.tbl_map(function(item) return item.label end, items), 'guests'), 'the chain is not offered')
check(request('textDocument/definition', 13, 26).range.start.line == 5, 'the definition is elsewhere')

-- Neovim applies the edits itself.
local rename = request('textDocument/rename', 13, 26, { newName = 'visitors' })
vim.lsp.util.apply_workspace_edit(rename, 'utf-16')
local text = table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, true), '\n')
check(text:find(':visitors - ', 1, true) and text:find('-j visitors', 1, true) and not text:find('guests -', 1, true), 'not renamed')
vim.api.nvim_buf_set_lines(buffer, 9, 10, true, { '-A INPUT  --protocol tcp -m tcp --dport 80 --jump ACCEPT' })
local edits = request('textDocument/formatting', 0, 0, { options = { tabSize = 2, insertSpaces = true } })
vim.lsp.util.apply_text_edits(edits, buffer, 'utf-16')
line = vim.api.nvim_buf_get_lines(buffer, 9, 10, true)[1]
check(line == '-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT', 'formatted as ' .. line)

vim.lsp.stop_client(client)
vim.cmd('qall!')
