"""Two images over each other with a handle between them."""

import base64

import numpy as np
import streamlit as st

from unet_core.prediction.files import encode_jpeg

_component = st.components.v2.component(
    "before_after",
    html="""
<figure><img class="after" alt=""><div class="clip"><img class="before" alt=""></div>
<div class="bar"></div>
<input type="range" min="0" max="100" value="50" aria-label="How much of the original is shown">
</figure>""",
    css="""
figure { position: relative; margin: 0; overflow: hidden; border-radius: var(--st-base-radius); }
img { display: block; width: 100%; }
.clip { position: absolute; inset: 0; clip-path: inset(0 50% 0 0); }
.bar { position: absolute; top: 0; bottom: 0; left: 50%; width: 3px; background: white;
       box-shadow: 0 0 4px black; transform: translateX(-50%); pointer-events: none; }
.bar::after { content: "↔"; position: absolute; top: 50%; left: 50%; width: 2.2rem;
       line-height: 2.2rem; text-align: center; border-radius: 50%; background: white;
       color: #17211f; transform: translate(-50%, -50%); box-shadow: 0 0 4px black; }
input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0;
        cursor: ew-resize; }
input:focus-visible + *, figure:focus-within { outline: 3px solid var(--st-primary-color); }
""",
    js="""
export default function ({ data, parentElement }) {
  const find = (part) => parentElement.querySelector(part);
  find("figure").style.maxWidth = `calc(max(20rem, 100vh - 15rem) * ${data.aspect})`;
  find(".before").src = data.before;
  find(".after").src = data.after;
  find(".before").alt = data.before_alt;
  find(".after").alt = data.after_alt;
  const show = (value) => {
    find(".clip").style.clipPath = `inset(0 ${100 - value}% 0 0)`;
    find(".bar").style.left = `${value}%`;
  };
  const input = find("input");
  input.oninput = () => show(input.value);
  show(input.value);
}
""",
)


def before_and_after(
    before: np.ndarray, after: np.ndarray, before_alt: str, after_alt: str, key: str
) -> None:
    """Show two images uint8 (H, W, 3); a pointer or the arrow keys move the handle."""
    data: dict[str, str | float] = {"before": data_url(before), "after": data_url(after)}
    data |= {"aspect": before.shape[1] / before.shape[0]}
    data |= {"before_alt": before_alt, "after_alt": after_alt}
    _component(data=data, key=key)


def data_url(image: np.ndarray) -> str:
    """uint8 (H, W, 3) as an address that holds the image itself."""
    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(image)).decode()
