package phone_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"pipecat-cloud-deploy/internal/phone"
)

// wav is a file with a format, odd chunks before and after it, and samples.
func wav(encoding, channels uint16, rate uint32, bits uint16, samples []int16) []byte {
	var data bytes.Buffer
	write := func(values ...any) {
		for _, v := range values {
			_ = binary.Write(&data, binary.LittleEndian, v)
		}
	}
	write([]byte("RIFF"), uint32(0), []byte("WAVE"))
	write([]byte("LIST"), uint32(3), []byte("abc\x00"))
	write([]byte("fmt "), uint32(16), encoding, channels, rate, rate*2, uint16(2), bits)
	write([]byte("fact"), uint32(4), uint32(0))
	write([]byte("data"), uint32(2*len(samples)), samples)
	return data.Bytes()
}

func TestReadWAV(t *testing.T) {
	loud := make([]int16, 16000)
	for i := range loud {
		loud[i] = int16(i)
	}
	long := make([]int16, 31*16000)
	for i := range long {
		long[i] = 1
	}
	good := wav(1, 1, 16000, 16, loud)
	for _, tt := range []struct {
		name   string
		data   []byte
		length time.Duration
		err    string
	}{
		{"16 kHz", good, time.Second, ""},
		{"8 kHz", wav(1, 1, 8000, 16, loud), 2 * time.Second, ""},
		{"silence at its end", wav(1, 1, 16000, 16, append(loud[:8000:8000], make([]int16, 8000)...)), time.Second / 2, ""},
		{"cut off", good[:len(good)-16000], time.Second / 2, ""},
		{"of a pipe", func() []byte {
			d := bytes.Clone(good)
			binary.LittleEndian.PutUint32(d[len(d)-32004:], 0xffffffff)
			return d
		}(), time.Second, ""},
		{"empty", nil, 0, "not a WAV file"},
		{"MP3", []byte("ID3\x04aaaaaaaaaaaaaaaaaaa"), 0, "make one with: ffmpeg"},
		{"CD", wav(1, 2, 44100, 16, loud), 0, "2 channel(s), 16 bits and 44100 Hz"},
		{"24 kHz", wav(1, 1, 24000, 16, loud), 0, "convert it with: ffmpeg"},
		{"µ-law", wav(7, 1, 8000, 8, loud), 0, "encoding 7"},
		{"no samples", good[:50], 0, "no samples"},
		{"silent", wav(1, 1, 8000, 16, make([]int16, 800)), 0, "has no sound"},
		{"too long", wav(1, 1, 16000, 16, long), 0, "longer than 30s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := phone.ReadWAV(bytes.NewReader(tt.data))
			switch {
			case tt.err != "":
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
			case err != nil || r.Length().Round(time.Millisecond) != tt.length:
				t.Errorf("got %d samples at %d Hz, %v; want %v", len(r.Samples), r.Rate, err, tt.length)
			}
		})
	}
}

func FuzzReadWAV(f *testing.F) {
	f.Add(wav(1, 1, 16000, 16, []int16{1, 2, 3}))
	f.Add(wav(0xfffe, 1, 8000, 16, []int16{1}))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := phone.ReadWAV(bytes.NewReader(data))
		if err == nil && (len(r.Samples) == 0 || r.Rate != 8000 && r.Rate != 16000) {
			t.Errorf("%d samples at %d Hz", len(r.Samples), r.Rate)
		}
	})
}
