"""Names for the streets of imaginary towns. In: chance; out: names a passenger could say, Chinese or English."""

import numpy as np

WORDS = (
    ("梧桐", "Wutong"), ("建设", "Jianshe"), ("人民", "Renmin"), ("解放", "Jiefang"), ("中山", "Zhongshan"),
    ("和平", "Heping"), ("胜利", "Shengli"), ("新华", "Xinhua"), ("长江", "Changjiang"), ("黄河", "Huanghe"),
    ("东湖", "Donghu"), ("西湖", "Xihu"), ("南山", "Nanshan"), ("北山", "Beishan"), ("青年", "Qingnian"),
    ("文化", "Wenhua"), ("学府", "Xuefu"), ("书院", "Shuyuan"), ("桃园", "Taoyuan"), ("杏林", "Xinglin"),
    ("柳营", "Liuying"), ("松柏", "Songbai"), ("银杏", "Yinxing"), ("海棠", "Haitang"), ("丹桂", "Dangui"),
    ("石桥", "Shiqiao"), ("虹桥", "Hongqiao"), ("板桥", "Banqiao"), ("古井", "Gujing"), ("钟楼", "Zhonglou"),
    ("鼓楼", "Gulou"), ("城隍", "Chenghuang"), ("太平", "Taiping"), ("永安", "Yongan"), ("长乐", "Changle"),
    ("安福", "Anfu"), ("福州", "Fuzhou"), ("泰安", "Taian"), ("宁海", "Ninghai"), ("衡山", "Hengshan"),
    ("庐山", "Lushan"), ("天目", "Tianmu"), ("昆仑", "Kunlun"), ("嘉陵", "Jialing"), ("渭水", "Weishui"),
    ("清河", "Qinghe"), ("白云", "Baiyun"), ("碧水", "Bishui"), ("望江", "Wangjiang"), ("观海", "Guanhai"),
    ("迎春", "Yingchun"), ("朝阳", "Chaoyang"), ("晨光", "Chenguang"), ("星火", "Xinghuo"), ("光华", "Guanghua"),
    ("振兴", "Zhenxing"), ("创业", "Chuangye"), ("科技", "Keji"), ("工农", "Gongnong"), ("友谊", "Youyi"),
    ("团结", "Tuanjie"), ("幸福", "Xingfu"), ("双龙", "Shuanglong"), ("凤凰", "Fenghuang"), ("麒麟", "Qilin"),
    ("白鹭", "Bailu"), ("金鱼", "Jinyu"), ("小石", "Xiaoshi"), ("大树", "Dashu"), ("竹园", "Zhuyuan"),
    ("荷花", "Hehua"), ("莲塘", "Liantang"), ("磨坊", "Mofang"), ("铁匠", "Tiejiang"), ("米市", "Mishi"),
    ("盐仓", "Yancang"), ("茶馆", "Chaguan"), ("绸布", "Choubu"), ("渔阳", "Yuyang"), ("南仓", "Nancang"),
)  # fmt: skip
SIDES = (("东", "East "), ("西", "West "), ("南", "South "), ("北", "North "), ("中", "Middle "))
KINDS = {
    "primary": (("大道", "Avenue"), ("路", "Road")),
    "secondary": (("路", "Road"), ("大街", "Avenue")),
    "tertiary": (("路", "Road"), ("街", "Street")),
    "residential": (("路", "Road"), ("街", "Street"), ("路", "Road")),
    "living_street": (("弄", "Lane"), ("巷", "Lane")),
    "park": (("园区", "Park"), ("科技园", "Science Park"), ("产业园", "Industrial Park")),
    "service": (("弄", "Lane"), ("里", "Lane")),
}


class StreetNames:
    """Draws names that do not repeat within a town. Most towns speak Chinese, some English, some both."""

    def __init__(self, chance: np.random.Generator) -> None:
        self.chance = chance
        self.style = str(chance.choice(["chinese", "both", "english"], p=[0.6, 0.2, 0.2]))
        self.order = [int(i) for i in chance.permutation(len(WORDS))]
        self.used = 0

    def draw(self, highway: str) -> str:
        """Return the next name, for a street of this class, such as 梧桐路, Wutong Road, or both."""
        word = WORDS[self.order[self.used % len(WORDS)]]
        side = ("", "")
        if self.used >= len(WORDS) or self.chance.random() < 0.15:
            side = SIDES[(self.used // len(WORDS) + int(self.chance.integers(len(SIDES)))) % len(SIDES)]
        self.used += 1
        kind = KINDS[highway][int(self.chance.integers(len(KINDS[highway])))]
        chinese, english = word[0] + side[0] + kind[0], f"{side[1]}{word[1]} {kind[1]}"
        return {"chinese": chinese, "english": english, "both": f"{chinese} {english}"}[self.style]
