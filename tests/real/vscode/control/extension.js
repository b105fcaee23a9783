// What ghost text costs where nobody has to think: VS Code's own wait for the next key, the way to the process of the
// extensions and back, and drawing.
const vscode = require("vscode");

exports.activate = (context) => {
  const provider = {
    provideInlineCompletionItems: (_document, position) => [
      { insertText: "as_fast_as_can_be", range: new vscode.Range(position, position) },
    ],
  };
  context.subscriptions.push(vscode.languages.registerInlineCompletionItemProvider({ pattern: "**" }, provider));
  const item = vscode.window.createStatusBarItem(vscode.StatusBarAlignment.Right);
  item.text = "control is here";
  item.show();
  context.subscriptions.push(item);
};
