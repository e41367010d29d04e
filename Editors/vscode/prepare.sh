#!/bin/sh
# Copies the grammar, which `make grammar` generates, into the extension.
set -eu
cd "$(dirname "$0")"
mkdir -p syntaxes
cp ../../Grammar/iptables-save.tmLanguage.json syntaxes/
cp ../../LICENSE .
