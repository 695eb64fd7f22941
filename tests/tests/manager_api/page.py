"""Looks at the page of the manager API as a person does who has no mouse; prints what is seen, as JSON."""

import json
import os
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

CONTRAST = """() => {
  const channel = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const luminance = (text) => {
    const [r, g, b] = text.match(/[\\d.]+/g).map(Number);
    return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  };
  const style = getComputedStyle(document.body);
  const [a, b] = [luminance(style.color), luminance(style.backgroundColor)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


def ask(page, token):
    """From the top of the page: past the link that skips, to the field, and away with it."""
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.insert_text(token)
    page.keyboard.press("Enter")


def look(browser, scheme):
    context = browser.new_context(
        color_scheme=scheme, ignore_https_errors=True, viewport={"width": 1000, "height": 900}
    )
    page = context.new_page()
    hosts, errors = set(), []
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(os.environ["URL"])
    ask(page, "no-such-token")
    page.get_by_text("Not counted:").wait_for()
    refused = page.locator("#status").inner_text()
    # What a browser says of a 401 is no fault of the page.
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.reload()
    ask(page, os.environ["TOKEN"])
    page.get_by_text("As of").wait_for()
    seen = {
        "apps": page.locator("[data-of='apps.total']").inner_text(),
        "background": page.evaluate("() => getComputedStyle(document.body).backgroundColor"),
        "contrast": page.evaluate(CONTRAST),
        "errors": errors,
        "focus": page.evaluate("() => document.activeElement.id"),
        "hosts": sorted(host for host in hosts if host),
        "refused": refused,
        "text": page.locator("#numbers").inner_text(),
    }
    page.screenshot(path=os.path.join(os.environ["PICTURES"], f"{scheme}.png"), full_page=True)
    context.close()
    return seen


with sync_playwright() as playwright:
    # The sandbox wants rights that containers do not have; what is opened is our own page.
    browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=["--no-sandbox"])
    print(json.dumps({scheme: look(browser, scheme) for scheme in ["light", "dark"]}))
    browser.close()
