// Package webpage shows a job summary as a person meets it: as the web page that GitHub
// makes of its Markdown, light or dark.
package webpage

import (
	"bytes"
	_ "embed"
	"fmt"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
)

//go:embed style.css
var style string

// Render makes a whole web page of a job summary's Markdown. It follows the color
// scheme that its reader prefers.
func Render(summary []byte) (string, error) {
	var body bytes.Buffer
	// The summary's own HTML is that of the action, which escapes what is foreign.
	markdown := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	if err := markdown.Convert(summary, &body); err != nil {
		return "", err
	}
	return fmt.Sprintf("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"+
		"<meta name=\"color-scheme\" content=\"light dark\">\n<title>Job summary</title>\n<style>\n%s</style>\n<main>\n%s</main>\n</html>\n", style, body.Bytes()), nil
}
