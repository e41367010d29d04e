// Starts `ferrule lsp` and hands it the documents of the language iptables-save.
const { workspace } = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

let client;

exports.activate = () => {
  const command = workspace.getConfiguration('ferrule').get('path');
  client = new LanguageClient('ferrule', 'Ferrule', { command, args: ['lsp'] }, { documentSelector: [{ language: 'iptables-save' }] });
  return client.start();
};

exports.deactivate = () => client?.stop();
