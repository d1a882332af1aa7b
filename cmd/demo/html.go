package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
)

// style makes a page look about as GitHub shows a job summary, light or dark.
//
//go:embed style.css
var style string

// writeHTML writes a job summary as the web page that a person sees.
func writeHTML(file string, summary []byte) error {
	var body bytes.Buffer
	// The summary's own HTML is that of the action, which escapes what is foreign.
	markdown := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	if err := markdown.Convert(summary, &body); err != nil {
		return err
	}
	page := fmt.Sprintf("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"+
		"<meta name=\"color-scheme\" content=\"light dark\">\n<title>Job summary</title>\n<style>\n%s</style>\n<main>\n%s</main>\n</html>\n", style, body.Bytes())
	return os.WriteFile(file, []byte(page), 0o644)
}

// open shows a file in the browser.
func open(file string) error {
	command := map[string][]string{"darwin": {"open"}, "windows": {"rundll32", "url.dll,FileProtocolHandler"}}[runtime.GOOS]
	if command == nil {
		command = []string{"xdg-open"}
	}
	return exec.Command(command[0], append(command[1:], file)...).Start()
}
